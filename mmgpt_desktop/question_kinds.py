"""What kind of question somebody asks, in English or Simplified Chinese, told by its words.

The rules are a table of regular expressions; the first kind with one that is found has the
question. They are meant to be precise: what none of them is sure of is `OTHER`, and is asked.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

from mmgpt_desktop.text import plainly_typed


class QuestionKind(StrEnum):
    COUNT = "count"
    YESNO = "yesno"
    NAME = "name"  # what something is
    COLOUR = "colour"
    PLACE = "place"  # what room or scene it is
    ACTION = "action"
    WHO = "who"
    WHERE = "where"  # of something in the picture
    EITHER = "either"
    DESCRIPTION = "description"
    OTHER = "other"
    # What no small model can tell from a picture.
    READING = "reading"
    IDENTITY = "identity"  # who somebody is by name
    FUTURE = "future"  # or past: what the picture doesn't show yet, or any more
    FACTS = "facts"  # times, prices, brands, names of places
    # What no picture is needed for.
    TRANSLATE = "translate"  # between English and Chinese
    NO_PICTURE = "no-picture"
    GREETING = "greeting"
    FEELING = "feeling"
    THANKS = "thanks"
    SELF = "self"
    ABILITIES = "abilities"
    FAREWELL = "farewell"


SMALL_TALK = frozenset(
    {
        QuestionKind.GREETING,
        QuestionKind.FEELING,
        QuestionKind.THANKS,
        QuestionKind.SELF,
        QuestionKind.ABILITIES,
        QuestionKind.FAREWELL,
    }
)
CANT_TELL = frozenset(
    {QuestionKind.READING, QuestionKind.IDENTITY, QuestionKind.FUTURE, QuestionKind.FACTS}
)
WITHOUT_PICTURE = SMALL_TALK | {QuestionKind.NO_PICTURE, QuestionKind.TRANSLATE}
BEYOND = CANT_TELL | WITHOUT_PICTURE
"""What a model that only knows pictures, and little of the world, has no answer to."""

_WORDS = {
    "person": "(?:man|woman|boy|girl|guy|lady|gentleman|person|people|kid|child|baby|men|women|"
    "boys|girls|kids|children|persons|player|players|batter|pitcher|catcher|skier|surfer|actor|"
    "actress|singer|celebrity|fellow|dude|couple|bride|groom|mom|mother|dad|father)",
    "picture": "(?:pictures?|photos?|photographs?|images?|pics?|scene)",
    "this": "(?:this|that|these|those|the)",
    "thing": "(?:animal|bird|dog|fruit|vegetable|food|dish|meat|object|item|thing|vehicle|"
    "sport|game|instrument|plant|flower|tree|toy|furniture|device|appliance|utensil|tool)s?",
    "venue": "(?:restaurant|shop|store|street|road|city|town|hotel|company|building|station|"
    "airport|team|school|brand|airline|bus stop|bank|bar|cafe|museum|stadium|place|book|movie|"
    "film|boat|ship)",
    "ta": "(?:[他她]们?|人|男人|女人|男的|女的|男孩|女孩|男子|女子|男生|女生|孩子|小孩|先生|女士|"
    "明星|演员|球员|选手|歌手|老人|家伙)",
    "图": "(?:图|照片|相片|画面|场景)",
}
"""What stands for <person> and the like in a rule."""

_RULES: dict[QuestionKind, tuple[str, ...]] = {
    QuestionKind.GREETING: (
        r"^(hello|hi+|hey+|hiya|howdy|yo|greetings|good (morning|afternoon|evening|day))"
        r"( (there|again|you|everyone|all|mmgpt|computer|friend))?$",
        r"^(anybody|anyone) there$|^are you there$|^nice to meet you$",
        r"^(你好|您好|嗨|哈喽|哈啰|哈罗|你们好|大家好|(早上|上午|中午|下午|晚上)好|早安|早)[啊呀哦哈]?$",
        r"^(你好[啊呀]?)?(在吗|你在吗|有人吗|很高兴认识你)$",
    ),
    QuestionKind.FEELING: (
        r"^how (are|r) (you|u)( (doing|feeling))?( (today|now))?$|^how do you (do|feel)( today)?$",
        r"^how is it going$|^what is up$|^are you (ok|okay|well|happy|sad|tired|bored)$",
        r"^你(好吗|还好吗|怎么样|最近好吗|最近怎么样|今天怎么样|今天好吗|心情怎么样|开心吗|累吗)$",
        r"^最近(好吗|怎么样|如何)$|^你?吃(过)?(饭)?了[吗么]$",
    ),
    QuestionKind.THANKS: (
        r"^(many )?(thanks?|thx|ty|cheers)( (a lot|so much|very much|you|again))*( \w+)?$",
        r"^(非常|太|很|真的)?(谢谢|多谢|感谢|谢啦|谢了)(你们?|您|啦|了)?(的(帮助|回答))?$",
    ),
    QuestionKind.SELF: (
        r"^(who|what) (are|r) (you|u)( (exactly|really))?$|^what is your name$",
        r"^introduce yourself$",
        r"^who (made|created|built|trained|wrote|developed) you$|^how old are you$",
        r"^are you (a |an )?(real|human|robot|bot|machine|person|ai|computer|chatgpt|gpt|alive)"
        r"( \w+)?$|^(tell me|say something) about yourself$|^do you have a name$",
        r"^你(到底|究竟)?(是谁|是什么(东西|模型|程序|软件)?|叫什么(名字)?|的名字(是什么|叫什么)?|几岁|多大)了?$",
        r"^你是(机器人|人工智能|ai|真人|人|电脑|程序|chatgpt|gpt)[吗么]$|^(你)?(做个?)?自我介绍(一下)?$",
        r"^介绍(一下)?你?自己(吧)?$|^谁(创造|制造|开发|训练|做)(出)?了?你(的)?$",
    ),
    QuestionKind.ABILITIES: (
        r"^what (can|could|do) (you|u) do( for me)?$|^what are you (good|able) (at|to do)$",
        r"^(help|help me|how do i use (this|you)|how does this work|what can i ask( you)?)$",
        r"^how (do|can) (you|u) (help|help me)$|^can (you|u) help( me)?$",
        r"^你(都|究竟)?(能|会|可以)(为我|帮我)?(做|干)(些|点)?(什么|啥|嘛)(呢|呀)?$|^帮助$|^怎么用$",
        r"^你有(什么|哪些)(功能|本领|能力|用)$|^(我)?(能|可以)问(你)?(些)?(什么|啥)$|^你能帮我(什么)?吗?$",
    ),
    QuestionKind.FAREWELL: (
        r"^(good ?bye|bye|bye bye|see you( (later|soon|tomorrow))?|good night|farewell|cya)$",
        r"^(再见|拜拜|回头见|明天见|下次见|晚安|我走了)[啦了]?$",
    ),
    QuestionKind.TRANSLATE: (
        # Blanks may be missing: a Chinese sentence stands behind, and then they are taken out.
        r"^(please ?)?translate ?(this|it|the following)? ?(sentence|text|caption)? ?(in)?to ?"
        r"(simplified ?)?(english|chinese|mandarin)(?!.*<picture>)",
        r"^(please ?)?(how ?(do|does|would|can) ?(you|one|i|we) ?)?say ?(this|that|it)? ?in ?"
        r"(english|chinese|mandarin)",
        r"^(please ?)?translate ?(?!.*(<picture>|\bsign|\bthe text)).+ ?(in)?to ?"
        r"(english|chinese|mandarin)$",
        r"^how (do|does|would|can) (you|one|i|we) say .+ in (english|chinese|mandarin)$",
        r"^(请|帮我|麻烦)*(把|将)?(这句话?|这段话|下面的?(句子|话)|下面这句话?|以下(句子|内容)?)?"
        r"(翻译|译)(成|为|到)(简体)?(中文|汉语|英文|英语)(?!.*(<图>|这里))",
        r"^(请|帮我|麻烦)*(把|将)(?!.*(<图>|这里|文字|字|牌子)).+(翻译|译)(成|为)(中文|汉语|英文|英语)$",
        r"^(请)?用(中文|汉语|英文|英语)(怎么|如何)(说|讲)",
    ),
    QuestionKind.NO_PICTURE: (
        r"^((what|which) .*|(the )?)\bcapital( city)? of (?!<this> <picture>)",
        r"^(what is |how much is |calculate |compute |solve )?"
        r"[\d(][\d.,()]*( ?([-+*/x\u00d7÷^%]|plus|minus|times|(multiplied|divided) by|over)"
        r" ?[\d(][\d.,()]*)+( ?= ?)?$",
        r"\bsquare root of\b|^translate\b(?!.*<picture>)|^how (do|does|would) (you|one|i) say\b",
        r"^(summari[sz]e|paraphrase|rewrite|proofread)\b(?!.*<picture>)",
        r"^(write|compose|tell|give|make up|sing)( me)? (a|an|some) ([a-z]+ )?"
        r"(poem|story|joke|song|email|letter|essay|code|program|function|recipe|riddle)s?"
        r"(?!.*\b(<picture>|here|this|these)\b)",
        r"^who (is|was) the (current |first |last )?(president|prime minister|king|queen|ceo|"
        r"founder|chancellor|inventor) of\b",
        r"^who (invented|discovered|composed) ",
        r"^who (wrote|painted|directed) (?!this|that|it\b|on\b)",
        r"^how (far|big|old|hot|heavy|large) is the (moon|sun|earth|universe|solar system)\b",
        r"^what is the (meaning of life|weather( like)? (today|tomorrow))|\btomorrow$",
        r"^what (day|date) is (it )?(today|tomorrow)$|^what is (today's|the) date( today)?$",
        r"^(what|which|who) (is|are) the \w+est\b.*\bin the (whole )?world$",
        r"首都|等于(几|多少)|\d[加减乘除+*/\u00d7÷-]\d+(是多少|等于|是几|$)|翻译|(用|的)(英语|英文|中文|法语|日语)怎么说",
        r"^(请|帮我)*(总结|概括|归纳|缩写|改写)(?!.*(<图>|这里))",
        r"^(请|给我|帮我|你)*(写|作|讲|说|编|唱)(个|一个|一首|首|一篇|篇|一段|段|一封|封)+.{0,6}"
        r"(诗|故事|笑话|作文|邮件|代码|程序|歌|谜语)$",
        r"今天(是)?(星期几|周几|几号|几月几[日号])|^今天(的)?天气|明天|谁发明|世界上最",
        r"(总统|主席|总理|首相|国王)是谁$",
    ),
    QuestionKind.COUNT: (
        r"\bhow ?many\b|^(please )?count\b|^who many\b",
        r"\b(count|sum) of\b|\bnumber of (?!<this>\b|his\b|her\b|their\b|my\b|your\b)|"
        r"^what number of\b",
        r"(?<!第)(多少|几)(个|只|条|头|匹|辆|架|艘|人|位|名|张|把|棵|朵|本|台|座|栋|扇|块|片|件|双|杯|"
        r"瓶|盘|碗|盏|根|颗|粒|顶|层|种|排|列|群|间|幅|串|支|枝|束|样|口|家|场|份|袋|盒|部|滴|艘|道|面|"
        r"节|轮|级|排|行|对|套|股|堆|伙|圈|枚|副|幢|株|匹|尾)(?!牌)",
        r"多少(?!钱|号|度|岁|米|公斤|年|路|分)(\w{0,4})(人|狗|猫|车|鸟|马|牛|羊|花|树|椅子|孩子|东西)",
        r"(有|见|到)(了)?多少(?!钱|度|水$|光)\w|(一共|总共)有?(多少|几)|数(一数|一下|数)|的?(数量|数目)是",
    ),
    QuestionKind.COLOUR: (
        r"\b(what|which) (is the |are the |kind of |shade of )?colou?rs?\b|^colou?r of\b",
        r"\bcolou?rs? (is|are) (<this>|it|his|her|their)\b|^what (is|are) (the )?colou?rs?\b",
        r"^(the|what|which|name|how would you describe)\b.*\bcolou?rs? of\b",
        r"^(what|which) (hue|shade|tone|tint) ",
        r"(什么|啥|哪种|哪些|哪几种|何种)(颜?色|样的颜色)|颜色(是(什么|啥)?)?$",
    ),
    QuestionKind.READING: (
        r"^what (do|does|did) (?!you\b|they\b|(<this> )?(<person>|<picture>|he|she) (say|read)$)"
        r".*\b(say|says|read|reads)\b",
        r"^what (?!do\b|does\b|did\b|can\b|is\b|are\b)(it|<this> .*) (says|reads|spells)\b",
        r"^what (is|are|was|has|have)\b.*\b(written|printed|inscribed|engraved|spelled|spelt)\b"
        r"(?! with)",
        r"^what (is|are) (the |this |that |one of the |the last \w+ )*"
        r"(words?|text|letters?|writing|numerals?|slogan|caption|title|headline|licen[sc]e plate|"
        r"number plate|phone number)\b(?! (made|for)\b)",
        r"^what (is|are) (the )?(\w+ )?(numbers?|digits?) (and letter |they are |displayed|"
        r"found|on|"
        r"inside|in (?!total|all)|holding|shown|of (the|this|that|his|her) \w+( \w+)?$)",
        r"^what is (his|her|its|their|<this> .*\w's|the \w+) (jersey |team |phone |plate |bus )?"
        r"number\b(?! of)",
        r"\b(what|which) (\d.letter |numeric )?(words?|letters?|numbers?|digits?|text|slogan|"
        r"writing|characters)\b(?! (of|names?|describes?|fits?)\b)",
        r"^(can|could) you read\b(?!.* and )",
        r"^(please )?read (out |aloud )?(it|<this>|what|to me|me)\b",
        r"^what name (is|are|was) \w+|^what is the name (on|written|shown|above|behind)\b",
        r"^what is the name of (<this>|a) (\w+ )?<venue>\b",
        r"\b(what|which) language\b|^what (street|road|book title) (is|are|name)\b",
        r"(?<!在)(写|印|刻|标)(着|了|有|的)*(是)?(些)?(什么|啥|哪些?字)(?!时)",
        r"(什么|哪些|哪个|哪几个|几个?|啥)(文字|字(?!典)|数字|字母|单词|号码|英文|汉字|标语|车牌号?)",
        r"(号码|车牌号?|球衣号|电话|数字|文字|标题|书名|店名|站名|路名|街名|内容)(是|叫)(什么|多少|几|啥)",
        r"^(请|帮我|你能|能|可以)*(读|念)(一下|一读|出来?|得出)*.*(字|牌|标志|内容|文|写)|(几|多少)(号|路)"
        r"(公交|巴士|球员|车)?$",
    ),
    QuestionKind.FACTS: (
        r"\bwhat (approximate |exact )?times? (?!of\b)(is|was|do|does|did|are|can|will|to|it)\b",
        r"^what is the (current |exact )?time( now|$| (on|in|shown|limit)\b)|^tell the time$",
        r"^what is the (price|cost|temperature|brand|make(?! up))\b",
        r"^what is .*\w's (brand|make|logo)$",
        r"^how much (does|do|did|would|will) .*\bcost\b|^how much (is|are) (it|<this>)( \w+)?$",
        r"^(of )?(what|which) (brands?|make|airline|manufacturer|compan(y|ies))\b",
        r"\b(associated with|made by|from) (what|which) (company|brand)\b",
        r"^(what|which) model (of|is (it|<this> (car|phone|bike|plane|truck|computer|laptop)))\b",
        r"^who (manufactured|manufactures|produced|designed|is (a|the) sponsor)\b",
        r"^(in |from )?(what|which) (year|country|continent|province|date)\b(?! style)",
        r"^(in )?(what|which) (year|country|city|town|continent|province) (is|was|are) (it|"
        r"<this>)\b",
        r"^(in )?(what|which) (city|town) (is|was|are) (it|<this>)|^(what|which) (team|league)\b",
        r"^where is the (company|manufacturer)\b",
        r"(现在)?(是)?几点(?!钟?方)|(现在|钟)(是)?(什么时间|什么时刻)|几分$|多少钱|价格|价钱|什么价",
        r"(什么|哪个|哪种|啥)(牌子?(?!上)的?|品牌)|品牌(是|叫)(什么|啥|哪)|牌子(是|叫)(什么|啥|哪个)$|(哪个|哪家|什么)"
        r"(公司|厂家|航空公司)|(哪一?|什么)年(?!龄|级|轻)|几月几[日号]|星期几|(哪个?|什么)(国家?|省份?|州)$",
        r"(哪座|哪个|什么)城市|(多少|几)度$",
    ),
    QuestionKind.IDENTITY: (
        r"^who (is|was) (this|that|he|she|him|her)$",
        r"^who is (this|that) (\w+ ){0,2}<person>$",
        r"^who is (this|that) (\w+ ){0,2}<person>"
        r" (in|on|with|who|wearing|holding|standing|sitting|riding)\b",
        r"^who is the (?!more|most|best)(\w+ ){0,2}<person>$",
        r"^who is the (?!more|most|best)(\w+ ){0,2}<person> "
        r"(in|on|with|who|at|near|behind|beside|to|wearing|holding|standing|sitting|riding) "
        r".*\w(?<! at)(?<! to)(?<! with)(?<! for)(?<! by)(?<! on)(?<! of)$",
        r"^what is (his|her|their) (full |first |last |real )?name\b",
        r"^what (is|are) (<this> )?(\w+ ){0,2}<person>('s|s'|s)? name$",
        r"^what is the (first |last )?name of <this> (\w+ ){0,2}<person>\b(?! (is|are))",
        r"^what (is|are) (he|she|they|<this> (\w+ )?<person>) called$",
        r"^what is (his|her|<this>) (dog|cat|horse|pet|puppy|kitten)'?s name$",
        r"^(do|can) you (know|recogni[sz]e|identify) (who )?(him|her|them|he|she|"
        r"<this> (\w+ )?<person>)\b",
        r"^who (took|shot|made|painted) <this> <picture>$",
        r"^(what|which) (celebrity|actor|actress|singer|president|politician)\b",
        r"<ta>(的)?(名字)?(叫|是叫)(什么|啥)|<ta>的?(名字|姓名)(是|叫)?(什么|啥)|<ta>姓什么",
        r"^(这|那)(个|位)?<ta>?是谁$|(?<!些)<ta>是谁$",
        r"(认识|认得|认出|知道)(这|那)?(个|位)?<ta>(是谁)?[吗么]?$|是哪位|(什么|哪个|哪位)(明星|演员|歌手)",
        r"谁(拍|照|画)的$",
    ),
    QuestionKind.FUTURE: (
        r"^what (will|would|might|could|may|is going to|is about to|is gonna) happen\b(?! if)",
        r"^what happens? (next|after|then|later|afterwards)\b|^what comes next$",
        r"^what (will|would|might|is|are|do|does)\b.*\bdo(ing)? (next|after|afterwards|later|"
        r"then)\b",
        r"^what (just )?(has )?happened (right |just )?(before|earlier|previously|a moment ago)\b",
        r"^what just happened$",
        r"^(what|where) (was|were|did) .*\b(before|after) (this|the <picture>)$",
        r"^who (will|is going to|would) win\b|^will .*\b(win|next|soon|tomorrow)\b",
        r"(接下来|接着|然后|之后|随后|下一步|下一秒|以后|将来|待会儿?|等会儿?|过一会儿?)"
        r".{0,8}(会|(?<!需)要|将|发生|怎么?样?|做什么|干什么|干嘛|去哪)",
        r"(之前|刚才|刚刚|先前|以前|拍照前).{0,6}(发生|做了?什么|干了?什么|在哪|怎么)",
        r"(会|将|要)发生(些)?(什么|啥)|谁(会|将|能)赢",
    ),
    QuestionKind.DESCRIPTION: (
        r"^(please )?(describe|caption|depict)\b|\bdescription of\b",
        r"^(tell|talk)( me| to me)? about\b",
        r"^what (do|can) (you|we|i) see( (here|(in|on) (it|<this>( <picture>)?)))?$",
        r"^what (is|are|all is|else is) (all |else )?(there |here )?(shown |visible |seen )?"
        r"(in|on) <this> <picture>$",
        r"^what does <this> <picture> (show|depict|contain)|^what is <this> <picture> (of|about)$",
        r"^what (things|objects|items|is)( are| is)?( there)? here$",
        r"^what is (happening|going on)\b",
        r"^(what|which) (things|objects|items) (are|can you see|do you see)( there| shown|"
        r" visible| seen)?"
        r"( here| (in|on) <this> <picture>)?$",
        r"描述|形容|介绍(一下)?(这|<图>)|<图>(里|中|上|片)*(都)?(有(些)?|是|显示了?|展示了?)(什么|啥|哪些)",
        r"(说说|讲讲|说一下|讲一下).*(<图>|这)|看(到|见)了?(些)?(什么|啥)|(这里|这儿)?(在)?发生(了)?什么",
        r"^(这里|这儿)?有(些)?(什么|啥|哪些)(东西|物体|物品)?$|怎么回事",
    ),
    QuestionKind.EITHER: (
        r"^(?!(is|are|was|were) there\b|do you see\b|can you see\b|how\b|why\b|where\b).* or \w",
        r"还是|或者|.和.+哪(个|只|种|边)",
    ),
    QuestionKind.YESNO: (
        r"^(is|are|was|were|am|do|does|did|can|could|has|have|had|will|would|should|shall|may|"
        r"might|must|ain't|aren't|isn't|doesn't|don't|didn't|can't|won't|wasn't) ",
        r"^(any|true or false|if|whether)\b|\b(is|are) there .* right$",
        r"[吗么嘛]$(?<!什么)(?<!怎么)(?<!干嘛)|是不是|有没有|能不能|会不会|可不可以|对不对|(?P<twice>.)不(?P=twice)",
    ),
    QuestionKind.ACTION: (
        r"\b(what|which)\b.*\bdoing\b|^what (are|is) (they|he|she|<this> .*) (up|about) to\b",
        r"^(what|which) (activity|action)\b|\bdoing what$|^what (does|do) <this> \w+ do$",
        r"\b(busy|occupied|involved) with\b|\bwhat sport is .* playing\b|^what (is|"
        r"are) .* trying to do\b",
        r"(在|正|正在)?(做|干|忙|玩|搞)(些|着|了)?(什么|啥)(?!用)|干嘛|(什么|啥)(动作|活动|运动)",
        r"在(写|吃|喝|看|拿|读|骑|穿|弹|卖|买|画|听|说|推|拉|抱)(着)?(什么|啥)",
    ),
    QuestionKind.PLACE: (
        r"^where (is|was|are|were) (this|it|we|they)( (place|<picture>|scene))?( taken| shot)?$",
        r"^where (is|was|were|are) <this> <picture>s?\b|^where (was|is) .* (taken|photographed)$",
        r"\b(what|which) (kind of |type of |sort of )?(room|place|scene|location|setting|area)\b",
        r"^(这|那)?(里|儿|<图>|张<图>)?是(在)?(哪里?|哪儿|什么地方|什么场所|什么场景|什么房间|什么地点)(拍的?)?$",
        r"(在)?(哪里?|哪儿|什么地方)(拍|照)(摄)?的?|(什么|哪个|哪种)(地方|场所|场景|房间|地点|环境)$",
    ),
    QuestionKind.WHO: (
        r"^(who|whose|whom)\b|^(which|what) <person>\b|谁|哪(个|位)(人|男人|女人|孩子|球员)",
    ),
    QuestionKind.WHERE: (
        r"^where(abouts)?\b|\b(position|location) of\b|^(find|locate|look for|point (at|to)) ",
        r"\bwhich side\b|^in (what|which) (part|spot|corner|quadrant|direction)\b|"
        r"^what direction\b",
        r"哪里|哪儿|哪边|哪一?侧|哪一?面|哪个(位置|方向|角落)|(什么|啥)(位置|地方|方向)|何处|在哪",
    ),
    QuestionKind.NAME: (
        r"^(what|which) (kind|type|sort|breed|species|style|piece)s? of\b|\bname of\b|^name \w",
        r"^(what|which) (other )?<thing>\b|^what (this|that|these|those|it) (is|are)$",
        r"^what (is|are|was|were)\b(?!.*\b(made|for|weather|shape|shaped|pattern|material|size|"
        r"texture|age|"
        r"gender|purpose|relationship|mood|season|time|wrong|unusual|odd|funny|like)\b)",
        r"(这|那|它)(个|些|只|种|朵|棵|张|件|条|辆|位)?.{0,6}(是|叫)(个|一种|做)?(什么|啥)",
        r"(什么|哪种|哪类|啥)(东西|动物|植物|花|水果|蔬菜|食物|车|狗|鸟|树|物体|物品|运动|乐器|家具|衣服)",
        r"(上|下|里|中|旁边?|后面?|前面?|左边?|右边?|之间|周围|附近)(面|边)?(放着?|挂着?|有|是|摆着?)(着)?"
        r"(些)?(什么|啥)|(叫|是)(什么|啥)$",
    ),
}


def kind_of(question: str) -> QuestionKind:
    """The first kind that has a rule for the question."""
    asked = _plain(question)
    return next((kind for kind, rule in _compiled() if rule.search(asked)), QuestionKind.OTHER)


@cache
def _compiled() -> tuple[tuple[QuestionKind, re.Pattern[str]], ...]:
    """Not before the first question: no part of the window's start needs them."""
    return tuple(
        (kind, re.compile("|".join(f"(?:{_spelled_out(rule)})" for rule in rules)))
        for kind, rules in _RULES.items()
    )


def _spelled_out(rule: str) -> str:
    return re.sub(r"<(\w+)>", lambda found: _WORDS.get(found[1], found[0]), rule)


_LONGEST = 300  # characters that are looked at: what is asked stands at the beginning
_HAN, _LATIN = re.compile("[\u4e00-\u9fff]"), re.compile("[a-z']+")
_POLITE = re.compile(
    r"^(please|ok|okay|so|well|now|and|but|um|hey|hi|hello|excuse me|sorry|"
    r"(just )?a question|look|((can|could|would|will) (you|u) |try to )?(please )?"
    r"(tell( me| us)?|show (me|us)|say|guess|find out)(?= (what|who|where|how|if|whether|which|"
    r"why|the colou?r))|(do|can) you (know|tell|say)(?= (what|where|how|if|whether|which|why))|"
    r"i (want|would like|need) to know|i wonder|i am wondering|let me know)"
    r" (?=\w+ \w)"
)
_POLITE_ZH = re.compile(
    r"^(你好|您好|请问(一下)?|请(?!问)|麻烦(你)?|(你)?(能不能|能|可以)?(告诉|跟)(我|我们)(说)?(一下)?|"
    r"(我)?想(知道|问)(一下)?|你?知道|帮我看看|看看|你觉得|你认为)(?=.{3})"
)
_SHORT = (
    (re.compile(r"\b(what|who|where|how|that|there|it|he|she)'s\b"), r"\1 is"),
    (re.compile(r"\b(what|who|where|how)s(?= (the|this|that|your|it|his|her|up)\b)"), r"\1 is"),
    (re.compile(r"\b(what|who|where|how|they|you|we)'re\b"), r"\1 are"),
    (re.compile(r"\b(waht|wat|hat|whta)(?= (is|are|does|colou?r)\b)"), "what"),
    (re.compile(r"\bi'm\b"), "i am"),
    (re.compile(r"\bi'd\b"), "i would"),
)


def _plain(question: str) -> str:
    """Small letters without end marks and polite words; Chinese without blanks and marks too."""
    text = plainly_typed(question[:_LONGEST]).casefold()
    if is_chinese(text):
        return _stripped(re.sub(r"[^\w+*/\u00d7÷-]", "", text), _POLITE_ZH)
    text = " ".join(re.sub(r"[,;:!?\"\[\]]|\.(?!\d)", " ", text).split())
    for short, whole in _SHORT:
        text = short.sub(whole, text)
    return _stripped(text, _POLITE)


def is_chinese(text: str) -> bool:
    """By its Han characters, which few words of English may stand among."""
    return len(_HAN.findall(text)) > len(_LATIN.findall(text.casefold()))


def language_of(question: str) -> str:
    """What it is asked in: "zh" or "en"."""
    return "zh" if is_chinese(question) else "en"


def _stripped(text: str, polite: re.Pattern[str]) -> str:
    """Without what stands before the question itself."""
    while found := polite.match(text):
        text = text[found.end() :].lstrip()
    return text

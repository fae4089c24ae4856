<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name>AboutDialog</name>
    <message>
        <source>About MMGPT Desktop</source>
        <translation>关于 MMGPT Desktop</translation>
    </message>
    <message>
        <source>Ask about a picture, read the answer word by word, and see where in the picture the model looked.</source>
        <translation>就一张图片提问，逐词阅读回答，并看到模型在图片中看了哪里。</translation>
    </message>
    <message>
        <source>Everything stays on this computer.</source>
        <translation>一切都留在这台电脑上。</translation>
    </message>
    <message>
        <source>The heatmap shows attention: where the model read from, not why it said what it said. Answers can be wrong.</source>
        <translation>热图显示的是注意力：模型从哪里读取信息，而不是它为何这样回答。回答可能有误。</translation>
    </message>
    <message>
        <source>Apache License 2.0</source>
        <translation>Apache 许可证 2.0</translation>
    </message>
</context>
<context>
    <name>AnswerPage</name>
    <message>
        <source>What do you want to know?</source>
        <translation>您想知道什么？</translation>
    </message>
    <message>
        <source>Touch a word to see where the AI looked for it.</source>
        <translation>点一个词，看看 AI 写它时看了哪里。</translation>
    </message>
    <message>
        <source>Touch the screen to try it yourself</source>
        <translation>触摸屏幕，亲自试一试</translation>
    </message>
    <message>
        <source>Ask the AI anyway</source>
        <translation>还是请 AI 猜一猜</translation>
    </message>
    <message>
        <source>Looking at the picture…</source>
        <translation>正在看图片…</translation>
    </message>
    <message>
        <source>For “{word}”, the AI looked at the bright places.</source>
        <translation>写“{word}”时，AI 看的是亮的地方。</translation>
    </message>
    <message>
        <source>Picture {number}</source>
        <translation>图片 {number}</translation>
    </message>
</context>
<context>
    <name>AnswerView</name>
    <message>
        <source>Stopped.</source>
        <translation>已停止。</translation>
    </message>
    <message>
        <source>The model had nothing to say.</source>
        <translation>模型没有给出任何内容。</translation>
    </message>
    <message>
        <source>First word after {first} ms</source>
        <translation>{first} 毫秒后出现第一个单词</translation>
    </message>
    <message>
        <source>{speed} words a second</source>
        <translation>每秒 {speed} 个单词</translation>
    </message>
    <message>
        <source>Not sure, {percent}</source>
        <translation>没有把握，{percent}</translation>
    </message>
    <message>
        <source>Sure, {percent}</source>
        <translation>有把握，{percent}</translation>
    </message>
    <message>
        <source>Quite sure, {percent}</source>
        <translation>比较有把握，{percent}</translation>
    </message>
    <message>
        <source>Not quite sure, {percent}</source>
        <translation>不太有把握，{percent}</translation>
    </message>
    <message>
        <source>“{word}”: {percent} sure</source>
        <translation>“{word}”：{percent} 的把握</translation>
    </message>
</context>
<context>
    <name>AskOrDraw</name>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
    <message>
        <source>Ask about the picture</source>
        <translation>就图片提问</translation>
    </message>
    <message>
        <source>Draw</source>
        <translation>画画</translation>
    </message>
    <message>
        <source>Have a picture drawn (Ctrl+D)</source>
        <translation>让它画一张图（Ctrl+D）</translation>
    </message>
</context>
<context>
    <name>AskingArea</name>
    <message>
        <source>Or ask your own question</source>
        <translation>或者自己提问</translation>
    </message>
    <message>
        <source>Letters on the screen</source>
        <translation>屏幕上的字母键</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
</context>
<context>
    <name>Attract</name>
    <message>
        <source>A picture goes in.</source>
        <translation>放进一张图片。</translation>
    </message>
    <message>
        <source>Somebody asks a question about it.</source>
        <translation>有人就它提了一个问题。</translation>
    </message>
    <message>
        <source>The AI writes word by word. The bright places are where it looks.</source>
        <translation>AI 一个词一个词地写出回答，亮处就是它正在看的地方。</translation>
    </message>
    <message>
        <source>Each word has bright places of its own.</source>
        <translation>每个词都有自己的亮处。</translation>
    </message>
    <message>
        <source>To the AI, the picture is a grid of {rows} by {columns} little squares.</source>
        <translation>在 AI 眼里，图片是 {rows} × {columns} 个小方格。</translation>
    </message>
</context>
<context>
    <name>Brush</name>
    <message>
        <source>What the words needed is not measured yet.</source>
        <translation>单词需要什么尚未测量。</translation>
    </message>
    <message>
        <source>Less sure without this place: {words}</source>
        <translation>遮住这里，模型对这些词就没那么有把握：{words}</translation>
    </message>
    <message>
        <source>No word needs this place more than others.</source>
        <translation>没有哪个词特别需要这个地方。</translation>
    </message>
    <message>
        <source>still being measured</source>
        <translation>仍在测量</translation>
    </message>
</context>
<context>
    <name>Camera</name>
    <message>
        <source>The camera gives no picture. Is another program using it?</source>
        <translation>摄像头没有画面。是否有别的程序正在使用它？</translation>
    </message>
</context>
<context>
    <name>CameraPage</name>
    <message>
        <source>What the camera sees</source>
        <translation>摄像头看到的画面</translation>
    </message>
    <message>
        <source>The camera is on</source>
        <translation>摄像头已打开</translation>
    </message>
    <message>
        <source>Take the picture</source>
        <translation>拍照</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
</context>
<context>
    <name>ChatController</name>
    <message>
        <source>Write a question first, or choose one below.</source>
        <translation>请先写一个问题，或在下方选择一个。</translation>
    </message>
    <message>
        <source>An answer is still being written. Wait for it, or stop it with Esc; your question stays here.</source>
        <translation>回答还在书写中。请等待，或按 Esc 停止；您的问题会留在这里。</translation>
    </message>
    <message>
        <source>The question is too long: {count} characters, and {limit} is the most.</source>
        <translation>问题太长：{count} 个字符，最多 {limit} 个。</translation>
    </message>
    <message>
        <source>Waiting for the model…</source>
        <translation>正在等待模型…</translation>
    </message>
    <message>
        <source>Thinking…</source>
        <translation>正在思考…</translation>
    </message>
    <message>
        <source>Looking at the picture…</source>
        <translation>正在看图片…</translation>
    </message>
    <message>
        <source>The earlier answer was replaced.</source>
        <translation>先前的回答已被替换。</translation>
    </message>
    <message>
        <source>The conversation was cleared.</source>
        <translation>对话已清除。</translation>
    </message>
</context>
<context>
    <name>CheckCard</name>
    <message>
        <source>How sure of the word: {percent} (the mark) with nothing hidden, and with</source>
        <translation>对这个词有多大把握：什么都不遮时 {percent}（竖线），另外：</translation>
    </message>
    <message>
        <source>The brightest fifth of the map is hidden in the photo, and the model is asked how sure it is now; then as many places drawn by lot, {count} times (the dots), as many in the middle, and all of them. The sentence follows from what the bright places cost more than the drawn ones.</source>
        <translation>先遮住照片中最亮的五分之一，看模型还有多大把握；再随机遮住同样多的地方，共 {count} 次（圆点）；再遮住中间同样多的地方；最后遮住整张照片。那句话就看亮的地方比随机的地方多影响了多少。</translation>
    </message>
</context>
<context>
    <name>Checks</name>
    <message>
        <source>Testing whether the word needs the bright places…</source>
        <translation>正在测试这个词是否需要亮的地方…</translation>
    </message>
</context>
<context>
    <name>Chooser</name>
    <message>
        <source>Touch a picture</source>
        <translation>点一张图片</translation>
    </message>
    <message>
        <source>There are no pictures here yet.</source>
        <translation>这里还没有图片。</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>Earlier ones</source>
        <translation>前面的</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
</context>
<context>
    <name>Comparison</name>
    <message>
        <source>Compare the fusions</source>
        <translation>比较融合方式</translation>
    </message>
    <message>
        <source>Your question, for all fusions</source>
        <translation>您向所有融合方式提出的问题</translation>
    </message>
    <message>
        <source>Ask all</source>
        <translation>全部提问</translation>
    </message>
    <message>
        <source>Ask all fusions, one after the other (Enter)</source>
        <translation>依次向所有融合方式提问（Enter）</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Stop the answers (Esc)</source>
        <translation>停止回答（Esc）</translation>
    </message>
</context>
<context>
    <name>ComparisonLauncher</name>
    <message>
        <source>There is no picture to compare the fusions on.</source>
        <translation>没有可用来比较融合方式的图片。</translation>
    </message>
    <message>
        <source>Open one first, for instance a sample photo.</source>
        <translation>请先打开一张，例如一张示例照片。</translation>
    </message>
</context>
<context>
    <name>ConsentForm</name>
    <message>
        <source>Not now</source>
        <translation>暂不</translation>
    </message>
    <message>
        <source>Access token (kept for this download only)</source>
        <translation>访问令牌（仅用于此次下载）</translation>
    </message>
</context>
<context>
    <name>Countdown</name>
    <message>
        <source>Are you still there?</source>
        <translation>您还在吗？</translation>
    </message>
    <message>
        <source>If not, your picture and your questions are deleted for the next visitor.</source>
        <translation>如果您已离开，您的图片和问题将被清除，留给下一位参观者。</translation>
    </message>
    <message>
        <source>I&apos;m still here</source>
        <translation>我还在</translation>
    </message>
    <message>
        <source>I&apos;m done</source>
        <translation>我结束了</translation>
    </message>
</context>
<context>
    <name>Details</name>
    <message>
        <source>How far it is</source>
        <translation>进度</translation>
    </message>
</context>
<context>
    <name>DeviceSource</name>
    <message>
        <source>The camera may not be used: the system refuses it. Allow it in the system&apos;s privacy settings, then try again.</source>
        <translation>系统不允许使用摄像头。请在系统的隐私设置中允许，然后再试。</translation>
    </message>
    <message>
        <source>The camera stopped ({reason}). Plug it in again, or close what else uses it.</source>
        <translation>摄像头停止了（{reason}）。请重新接上，或关闭正在使用它的其他程序。</translation>
    </message>
</context>
<context>
    <name>Dialogue</name>
    <message>
        <source>One moment, please: I am still answering.</source>
        <translation>请稍等，我还在回答上一个问题。</translation>
    </message>
    <message>
        <source>“{word}”: {verdict}</source>
        <translation>“{word}”：{verdict}</translation>
    </message>
    <message>
        <source>“{word}”: finding out whether the bright places matter…</source>
        <translation>“{word}”：正在检查亮的地方是否重要…</translation>
    </message>
    <message>
        <source>One moment, please: the AI is starting again.</source>
        <translation>请稍等，AI 正在重新启动。</translation>
    </message>
    <message>
        <source>The AI did not start. I keep your question and try again.</source>
        <translation>AI 还没有启动。您的问题已保留，我会再试。</translation>
    </message>
</context>
<context>
    <name>Disclosure</name>
    <message>
        <source>Details</source>
        <translation>详细</translation>
    </message>
    <message>
        <source>Details: figures, layers and heads</source>
        <translation>详细：数字、层和注意力头</translation>
    </message>
</context>
<context>
    <name>DrawBar</name>
    <message>
        <source>Who draws</source>
        <translation>谁来画</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>张数</translation>
    </message>
    <message>
        <source>How many pictures, side by side</source>
        <translation>并排画几张图</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>种子</translation>
    </message>
    <message>
        <source>another</source>
        <translation>每次不同</translation>
    </message>
    <message>
        <source>Seed: the same number draws the same picture again; left empty, it is another</source>
        <translation>种子：相同的数字会再画出同一张图；留空则每次不同</translation>
    </message>
    <message>
        <source>Out of noise</source>
        <translation>从噪声浮现</translation>
    </message>
    <message>
        <source>Cell by cell</source>
        <translation>逐格绘制</translation>
    </message>
</context>
<context>
    <name>DrawPage</name>
    <message>
        <source>What shall I draw?</source>
        <translation>要我画什么？</translation>
    </message>
    <message>
        <source>The picture that is being drawn</source>
        <translation>正在画的图</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>I learnt to draw a few kinds of things only, and small.</source>
        <translation>我只学过画少数几类东西，而且画得很小。</translation>
    </message>
</context>
<context>
    <name>DrawingCard</name>
    <message>
        <source>The words that drew this picture; the arrow keys choose one</source>
        <translation>画出这张图的词；用方向键选择</translation>
    </message>
    <message>
        <source>Leave this word out</source>
        <translation>去掉这个词</translation>
    </message>
    <message>
        <source>Draw again with the same seed and without the chosen word: did it matter?</source>
        <translation>用相同的种子、去掉所选的词再画一次：这个词重要吗？</translation>
    </message>
    <message>
        <source>What changed</source>
        <translation>变化之处</translation>
    </message>
    <message>
        <source>Bright: where this picture differs from the one before</source>
        <translation>亮处：这张图与之前那张不同的地方</translation>
    </message>
    <message>
        <source>Save this picture, with its prompt inside</source>
        <translation>保存这张图，并写入提示词</translation>
    </message>
    <message>
        <source>Seed {seed}</source>
        <translation>种子 {seed}</translation>
    </message>
    <message>
        <source>Draw with this seed from now on</source>
        <translation>以后都用这个种子画</translation>
    </message>
    <message>
        <source>Point at a word: bright is where the picture read it most while it was drawn. Point at a place: the words that it read most are marked.</source>
        <translation>指向一个词：亮处是作画时读它最多的地方。指向图上一处：那里读得最多的词会被标出。</translation>
    </message>
    <message>
        <source>Without “{word}” the picture is nearly the same: it did not matter.</source>
        <translation>去掉“{word}”后，图几乎一样：这个词并不重要。</translation>
    </message>
    <message>
        <source>Without “{word}”. Where the word had been read most, the picture changed {times} times as much as elsewhere: there it mattered.</source>
        <translation>去掉“{word}”后，原来读这个词最多的地方，变化是别处的 {times} 倍：它在那里确实重要。</translation>
    </message>
    <message>
        <source>Without “{word}”. The picture changed {times} times as much where the word had been read most as elsewhere: it mattered, but its map does not say where.</source>
        <translation>去掉“{word}”后，原来读这个词最多的地方，变化是别处的 {times} 倍：这个词重要，但它的热图说不清在哪里。</translation>
    </message>
</context>
<context>
    <name>DrawingPanel</name>
    <message>
        <source>Smooth</source>
        <translation>平滑</translation>
    </message>
    <message>
        <source>Off: each cell as one even square</source>
        <translation>关闭：每个单元格显示为一个纯色方块</translation>
    </message>
    <message>
        <source>Contours</source>
        <translation>等值线</translation>
    </message>
    <message>
        <source>Lines around what is bright, instead of colours over the photo</source>
        <translation>不用颜色，而用线条圈出亮的地方</translation>
    </message>
    <message>
        <source>Off: each word has its own colours, from its darkest place to its brightest</source>
        <translation>关闭时：每个词用自己的颜色，从最暗的地方到最亮的地方</translation>
    </message>
    <message>
        <source>One scale for all words</source>
        <translation>所有单词使用同一刻度</translation>
    </message>
    <message>
        <source>Colours</source>
        <translation>配色</translation>
    </message>
    <message>
        <source>Opacity</source>
        <translation>不透明度</translation>
    </message>
</context>
<context>
    <name>ExportForm</name>
    <message>
        <source>Make ONNX graphs of this model? PyTorch takes some minutes for that, and as much memory as for an answer. The checkpoint stays as it is.</source>
        <translation>为此模型生成 ONNX 图吗？PyTorch 需要几分钟，所用内存与回答一次相当。检查点保持不变。</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>32 bits: exact, and the largest</source>
        <translation>32 位：精确，也最大</translation>
    </message>
    <message>
        <source>16 bits: half the size</source>
        <translation>16 位：大小减半</translation>
    </message>
    <message>
        <source>8 bits: a quarter of the size</source>
        <translation>8 位：四分之一大小</translation>
    </message>
    <message>
        <source>4 bits: an eighth, and the least exact</source>
        <translation>4 位：八分之一大小，精度最低</translation>
    </message>
    <message>
        <source>8 and 4 bits: reads questions fastest, the room of both</source>
        <translation>8 位加 4 位：读问题最快，占两者之和的空间</translation>
    </message>
    <message>
        <source>How the language model&apos;s weights are kept</source>
        <translation>语言模型权重的保存方式</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Choose where the new folder is made</source>
        <translation>选择新文件夹的位置</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Not now</source>
        <translation>暂不</translation>
    </message>
    <message>
        <source>Where the graphs&apos; folder is made</source>
        <translation>图文件夹的位置</translation>
    </message>
</context>
<context>
    <name>Exporter</name>
    <message>
        <source>There is no finished answer to save.</source>
        <translation>还没有可保存的完整回答。</translation>
    </message>
    <message>
        <source>Ask about a picture first.</source>
        <translation>请先就一张图片提问。</translation>
    </message>
    <message>
        <source>Saving {name}…</source>
        <translation>正在保存 {name}…</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Save the answer</source>
        <translation>保存回答</translation>
    </message>
    <message>
        <source>Saved as {name}.</source>
        <translation>已保存为 {name}。</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>No program was found that opens {name}.</source>
        <translation>找不到能打开 {name} 的程序。</translation>
    </message>
</context>
<context>
    <name>FilmStrip</name>
    <message>
        <source>Ask about all frames</source>
        <translation>对所有帧提问</translation>
    </message>
    <message>
        <source>Frames; the arrow keys choose one</source>
        <translation>各帧；用方向键选择</translation>
    </message>
    <message>
        <source>{name} · {count} frames, evenly spread</source>
        <translation>{name} · 均匀选取的 {count} 帧</translation>
    </message>
</context>
<context>
    <name>FormulaDialog</name>
    <message>
        <source>The formula with its numbers</source>
        <translation>公式与实际数字</translation>
    </message>
    <message>
        <source>“{word}”, layer {layer}, head {head}: the query q asks with what was read so far, each cell of the photo offers a key k and a value v. The better k fits q, the more of v is read.</source>
        <translation>“{word}”，第 {layer} 层，第 {head} 头：查询 q 根据已读内容提问，照片的每个单元格提供键 k 和值 v。k 与 q 越匹配，读取的 v 就越多。</translation>
    </message>
    <message>
        <source>The brightest cells and what they give</source>
        <translation>最亮的单元格及其提供的内容</translation>
    </message>
    <message>
        <source>Being computed. The first time takes some seconds…</source>
        <translation>正在计算，第一次需要几秒钟……</translation>
    </message>
    <message>
        <source>q = {vector}, {count} numbers; √d = {root}</source>
        <translation>q = {vector}，共 {count} 个数；√d = {root}</translation>
    </message>
    <message>
        <source>cell</source>
        <translation>单元格</translation>
    </message>
    <message>
        <source>weight</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>row {row}, column {column}</source>
        <translation>第 {row} 行，第 {column} 列</translation>
    </message>
    <message>
        <source>all other cells, names and text</source>
        <translation>其他所有单元格、名称和文本</translation>
    </message>
    <message>
        <source>together</source>
        <translation>合计</translation>
    </message>
    <message>
        <source>The brightest cell: q·k = {product}, divided by {root} is {score}. exp({score}) = {exponential}, divided by the sum over everything, {sum}, is {weight}. So much of its v is in what the head read: {output}.</source>
        <translation>最亮的单元格：q·k = {product}，除以 {root} 得 {score}。exp({score}) = {exponential}，除以总和 {sum} 得 {weight}。它的 v 以这个比例进入该头读到的内容：{output}。</translation>
    </message>
</context>
<context>
    <name>FusionColumn</name>
    <message>
        <source>Show the graph</source>
        <translation>显示图结构</translation>
    </message>
    <message>
        <source>Lines from the marked cell to the cells that it read most from. A click or the arrow keys choose another cell.</source>
        <translation>从标记的单元格连向它读取最多的单元格的线。单击或用方向键选择另一个单元格。</translation>
    </message>
    <message>
        <source>Answer by {fusion}; the arrow keys walk from word to word</source>
        <translation>{fusion}的回答；用方向键逐词移动</translation>
    </message>
    <message>
        <source>Photo under the heatmap of {fusion}</source>
        <translation>{fusion}的热图下的照片</translation>
    </message>
    <message>
        <source>Waits for its turn…</source>
        <translation>等待轮到它…</translation>
    </message>
    <message>
        <source>Looking at the picture…</source>
        <translation>正在看图片…</translation>
    </message>
</context>
<context>
    <name>FusionSwitch</name>
    <message>
        <source>Fusion</source>
        <translation>融合方式</translation>
    </message>
    <message>
        <source>Fusion: how the model brings picture and text together, from now on</source>
        <translation>融合方式：从现在起模型如何把图片和文字结合起来</translation>
    </message>
    <message>
        <source>Ask the last question again, with this fusion</source>
        <translation>用这种融合方式再问一次上一个问题</translation>
    </message>
    <message>
        <source>Compare the fusions side by side</source>
        <translation>并排比较融合方式</translation>
    </message>
</context>
<context>
    <name>GraphView</name>
    <message>
        <source>Cell in row {row}, column {column}</source>
        <translation>第 {row} 行第 {column} 列的单元格</translation>
    </message>
    <message>
        <source>it read most from row {row}, column {column}: {percent}</source>
        <translation>它从第 {row} 行第 {column} 列读取最多：{percent}</translation>
    </message>
</context>
<context>
    <name>HeadGrid</name>
    <message>
        <source>All heads for “{word}”</source>
        <translation>“{word}”的所有头</translation>
    </message>
    <message>
        <source>All heads; Enter shows one in the heatmap</source>
        <translation>所有头；按 Enter 在热图中显示一个</translation>
    </message>
    <message>
        <source>Agreement with what the word needed</source>
        <translation>与该词所需之处的一致程度</translation>
    </message>
    <message>
        <source>Concentration on few cells</source>
        <translation>集中于少数单元格的程度</translation>
    </message>
    <message>
        <source>Layer and head</source>
        <translation>层和头</translation>
    </message>
    <message>
        <source>Order</source>
        <translation>排序</translation>
    </message>
    <message>
        <source>Show in the heatmap</source>
        <translation>在热图中显示</translation>
    </message>
    <message>
        <source>The formula with its numbers…</source>
        <translation>公式与实际数字…</translation>
    </message>
    <message>
        <source>Sorted by</source>
        <translation>排序依据</translation>
    </message>
</context>
<context>
    <name>HeadInspector</name>
    <message>
        <source>Another model wrote this answer, so its numbers are gone.</source>
        <translation>此回答由另一个模型写出，其数值已不在。</translation>
    </message>
    <message>
        <source>Use that model again, and ask once more.</source>
        <translation>请重新使用那个模型，再问一次。</translation>
    </message>
    <message>
        <source>There is no word to look inside the model for.</source>
        <translation>没有可以查看模型内部的单词。</translation>
    </message>
    <message>
        <source>Ask about a picture, wait for the answer, and choose a word of it.</source>
        <translation>请就一张图片提问，等待回答，然后选择其中一个单词。</translation>
    </message>
</context>
<context>
    <name>Header</name>
    <message>
        <source>Another picture</source>
        <translation>换一张图片</translation>
    </message>
    <message>
        <source>Back to the picture</source>
        <translation>回到图片</translation>
    </message>
    <message>
        <source>I&apos;m done</source>
        <translation>我结束了</translation>
    </message>
</context>
<context>
    <name>HeadsModel</name>
    <message>
        <source>Layer {layer}, head {head}</source>
        <translation>第 {layer} 层，第 {head} 头</translation>
    </message>
    <message>
        <source>{head}: {share}</source>
        <translation>{head}：{share}</translation>
    </message>
</context>
<context>
    <name>HeatmapPane</name>
    <message>
        <source>Where the model looked</source>
        <translation>模型看了哪里</translation>
    </message>
    <message>
        <source>Method</source>
        <translation>方法</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>层</translation>
    </message>
    <message>
        <source>Head</source>
        <translation>注意力头</translation>
    </message>
    <message>
        <source>All heads for the chosen word</source>
        <translation>所选单词的所有头</translation>
    </message>
    <message>
        <source>Hold to see the map before this one</source>
        <translation>按住查看前一幅热图</translation>
    </message>
    <message>
        <source>Chosen heads</source>
        <translation>选定的头</translation>
    </message>
    <message>
        <source>Stop the film</source>
        <translation>停止播放</translation>
    </message>
    <message>
        <source>Play the answer word by word</source>
        <translation>逐词播放回答</translation>
    </message>
    <message>
        <source>All layers</source>
        <translation>所有层</translation>
    </message>
    <message>
        <source>The layers and heads that you chose, together.</source>
        <translation>你选的层和注意力头合在一起。</translation>
    </message>
    <message>
        <source>All heads</source>
        <translation>所有头</translation>
    </message>
    <message>
        <source>Colours, opacity and scale</source>
        <translation>颜色、不透明度和刻度</translation>
    </message>
    <message>
        <source>Layer {number}</source>
        <translation>第 {number} 层</translation>
    </message>
    <message>
        <source>Head {number}</source>
        <translation>第 {number} 头</translation>
    </message>
    <message>
        <source>What the words needed</source>
        <translation>单词需要什么</translation>
    </message>
</context>
<context>
    <name>HeatmapView</name>
    <message>
        <source>Photo under the heatmap</source>
        <translation>热图下的照片</translation>
    </message>
    <message>
        <source>nothing {percent}</source>
        <translation>空 {percent}</translation>
    </message>
    <message>
        <source>the rest {percent}</source>
        <translation>其余 {percent}</translation>
    </message>
    <message>
        <source>photo {percent}</source>
        <translation>照片 {percent}</translation>
    </message>
    <message>
        <source>copied {percent}</source>
        <translation>照抄 {percent}</translation>
    </message>
    <message>
        <source>What the model read for this word: the photo; the names that a first guess at the photo gave it; or nothing, when neither helps. (The mean over all layers and heads.)</source>
        <translation>模型为这个词读了什么：照片；对照片的第一眼猜测给出的名称；两者都帮不上时什么也不读。（所有层和注意力头的平均。）</translation>
    </message>
    <message>
        <source>What the model read for this word: the photo; the names that a first guess at the photo gave it; the rest is the text. (The mean over all layers and heads.)</source>
        <translation>模型为这个词读了什么：照片；对照片的第一眼猜测给出的名称；其余是文字。（所有层和注意力头的平均。）</translation>
    </message>
    <message>
        <source>guessed names {percent}</source>
        <translation>猜到的名称 {percent}</translation>
    </message>
    <message>
        <source>Copied: how much of the word is one of these names as it stands.</source>
        <translation>照抄：这个词有多少是直接照抄这些名称。</translation>
    </message>
    <message>
        <source>No heatmap yet</source>
        <translation>还没有热图</translation>
    </message>
    <message>
        <source>No heatmap</source>
        <translation>没有热图</translation>
    </message>
    <message>
        <source>Ask about a picture, then point at a word of the answer.</source>
        <translation>先就一张图片提问，再指向回答中的一个单词。</translation>
    </message>
</context>
<context>
    <name>Heatmaps</name>
    <message>
        <source>This answer was written without a picture.</source>
        <translation>这个回答没有用到图片。</translation>
    </message>
    <message>
        <source>{percent} measured</source>
        <translation>已测量 {percent}</translation>
    </message>
    <message>
        <source>boxed by the model</source>
        <translation>方框由模型给出</translation>
    </message>
    <message>
        <source>Of several pictures this is measured for the first one alone.</source>
        <translation>有多张图片时，只对第一张进行这项测量。</translation>
    </message>
    <message>
        <source>The whole answer</source>
        <translation>整个回答</translation>
    </message>
    <message>
        <source>“{word}”</source>
        <translation>“{word}”</translation>
    </message>
    <message>
        <source>{percent} sure</source>
        <translation>{percent} 的把握</translation>
    </message>
    <message>
        <source>The model does not tell where it looked for this word.</source>
        <translation>模型没有说明写这个词时看了哪里。</translation>
    </message>
    <message>
        <source>This is measured when the answer is complete.</source>
        <translation>回答完成后才会测量。</translation>
    </message>
    <message>
        <source>Another model wrote this answer. Use {name} again to have this measured.</source>
        <translation>此回答由另一个模型写出。重新使用 {name} 才能测量。</translation>
    </message>
    <message>
        <source>Being measured…</source>
        <translation>正在测量…</translation>
    </message>
    <message>
        <source>Before: {caption} · {method}</source>
        <translation>之前：{caption} · {method}</translation>
    </message>
</context>
<context>
    <name>ImagePane</name>
    <message>
        <source>Picture</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Drop a picture here</source>
        <translation>把图片拖到这里</translation>
    </message>
    <message>
        <source>from a folder or a browser, or paste one with Ctrl+V.</source>
        <translation>可从文件夹或浏览器拖入，也可按 Ctrl+V 粘贴。</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>打开…</translation>
    </message>
    <message>
        <source>Open pictures (Ctrl+O)</source>
        <translation>打开图片（Ctrl+O）</translation>
    </message>
    <message>
        <source>Sample photos…</source>
        <translation>示例照片…</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>摄像头</translation>
    </message>
    <message>
        <source>Switch the camera on or off (F8)</source>
        <translation>打开或关闭摄像头 (F8)</translation>
    </message>
    <message>
        <source>What the camera sees; Space takes a picture</source>
        <translation>摄像头的画面；按空格键拍照</translation>
    </message>
    <message>
        <source>The picture that is being drawn</source>
        <translation>正在画的图</translation>
    </message>
    <message>
        <source>Picture; plus and minus zoom, the arrow keys move it</source>
        <translation>图片；加减号缩放，方向键移动</translation>
    </message>
    <message>
        <source>All pictures; Delete removes the chosen one</source>
        <translation>所有图片；按 Delete 移除所选图片</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Show the whole picture</source>
        <translation>显示整张图片</translation>
    </message>
    <message>
        <source>Open pictures</source>
        <translation>打开图片</translation>
    </message>
    <message>
        <source>Switch the camera on or off</source>
        <translation>打开或关闭摄像头</translation>
    </message>
    <message>
        <source>Remove this picture</source>
        <translation>移除这张图片</translation>
    </message>
</context>
<context>
    <name>Invitation</name>
    <message>
        <source>Ask in English about the picture</source>
        <translation>用英语就图片提问</translation>
    </message>
    <message>
        <source>Ask about the picture, in English or Chinese</source>
        <translation>就图片提问，中文或英文都可以</translation>
    </message>
    <message>
        <source>Ask about the picture</source>
        <translation>就图片提问</translation>
    </message>
</context>
<context>
    <name>Keyboard</name>
    <message>
        <source>Space</source>
        <translation>空格</translation>
    </message>
    <message>
        <source>Erase the last letter</source>
        <translation>删除最后一个字母</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
</context>
<context>
    <name>KeysDialog</name>
    <message>
        <source>Keyboard</source>
        <translation>键盘</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
    <message>
        <source>New line in the question</source>
        <translation>在问题中换行</translation>
    </message>
    <message>
        <source>Earlier questions, while in the question</source>
        <translation>先前的问题（在问题框中）</translation>
    </message>
    <message>
        <source>Stop the answer, else close a notice</source>
        <translation>停止回答；没有回答时关闭一条通知</translation>
    </message>
    <message>
        <source>From word to word, while in the answer</source>
        <translation>逐词移动（在回答中）</translation>
    </message>
    <message>
        <source>Play the answer word by word</source>
        <translation>逐词播放回答</translation>
    </message>
    <message>
        <source>All heads for the chosen word, and the formula&apos;s numbers</source>
        <translation>所选单词的所有头，以及公式的数字</translation>
    </message>
    <message>
        <source>Hold: the map before this one, while in the answer or the heatmap</source>
        <translation>在回答或热图中按住：查看前一幅热图</translation>
    </message>
    <message>
        <source>Drag with it to brush a zoomed photo in the heatmap</source>
        <translation>按住并拖动，在放大的热图照片上涂选</translation>
    </message>
    <message>
        <source>Open pictures</source>
        <translation>打开图片</translation>
    </message>
    <message>
        <source>Paste a picture or a picture file</source>
        <translation>粘贴图片或图片文件</translation>
    </message>
    <message>
        <source>The camera on or off; Space takes a picture</source>
        <translation>打开或关闭摄像头；按空格键拍照</translation>
    </message>
    <message>
        <source>A part of the screen: take it, or follow it</source>
        <translation>屏幕的一部分：截取，或跟随</translation>
    </message>
    <message>
        <source>Previous or next picture</source>
        <translation>上一张或下一张图片</translation>
    </message>
    <message>
        <source>Draw instead of asking, and back</source>
        <translation>在画画与提问之间切换</translation>
    </message>
    <message>
        <source>Name another picture in the question</source>
        <translation>在问题中提到另一张图片</translation>
    </message>
    <message>
        <source>Remove this picture</source>
        <translation>移除这张图片</translation>
    </message>
    <message>
        <source>Zoom in, out, whole picture, while in a picture</source>
        <translation>放大、缩小、整张图片（在图片中）</translation>
    </message>
    <message>
        <source>Copy the answer</source>
        <translation>复制回答</translation>
    </message>
    <message>
        <source>Save the map as a picture, the answer as a report</source>
        <translation>把热图存为图片，把回答存为报告</translation>
    </message>
    <message>
        <source>Save the session, open one</source>
        <translation>保存会话、打开会话</translation>
    </message>
    <message>
        <source>Recent sessions, and a search in them</source>
        <translation>最近的会话，并可在其中搜索</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>重新回答</translation>
    </message>
    <message>
        <source>Ask the last question with the chosen fusion</source>
        <translation>用所选融合方式问上一个问题</translation>
    </message>
    <message>
        <source>Compare the fusions</source>
        <translation>比较融合方式</translation>
    </message>
    <message>
        <source>Choose or download a model</source>
        <translation>选择或下载模型</translation>
    </message>
    <message>
        <source>Clear this conversation</source>
        <translation>清除这段对话</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Go to picture, question, answer, heatmap</source>
        <translation>转到图片、问题、回答、热图</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全屏</translation>
    </message>
</context>
<context>
    <name>Launcher</name>
    <message>
        <source>Choose the event&apos;s profile</source>
        <translation>选择活动配置文件</translation>
    </message>
    <message>
        <source>Event profiles</source>
        <translation>活动配置文件</translation>
    </message>
    <message>
        <source>the PIN</source>
        <translation>PIN 码</translation>
    </message>
    <message>
        <source>The show “{title}” fills the screen, and this window closes.</source>
        <translation>展示“{title}”将占满屏幕，本窗口会关闭。</translation>
    </message>
    <message>
        <source>It is left with {keys}.</source>
        <translation>用 {keys} 退出展示。</translation>
    </message>
    <message>
        <source>Start the show</source>
        <translation>开始展示</translation>
    </message>
</context>
<context>
    <name>Legend</name>
    <message>
        <source>Colours: {what}, from {low} to {high}</source>
        <translation>颜色：{what}，从 {low} 到 {high}</translation>
    </message>
</context>
<context>
    <name>Live</name>
    <message>
        <source>Part of the screen</source>
        <translation>屏幕的一部分</translation>
    </message>
    <message>
        <source>Camera picture</source>
        <translation>摄像头照片</translation>
    </message>
</context>
<context>
    <name>LiveBar</name>
    <message>
        <source>The camera is on</source>
        <translation>摄像头已打开</translation>
    </message>
    <message>
        <source>Following the screen</source>
        <translation>正在跟随屏幕</translation>
    </message>
    <message>
        <source>captions are paused</source>
        <translation>描述已暂停</translation>
    </message>
    <message>
        <source>Take a picture</source>
        <translation>拍照</translation>
    </message>
    <message>
        <source>Take a picture, to ask about it (Space)</source>
        <translation>拍一张照片并提问（空格键）</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Switch it off (Esc)</source>
        <translation>关闭 (Esc)</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Open pictures…</source>
        <translation>打开图片(&amp;O)…</translation>
    </message>
    <message>
        <source>&amp;Paste a picture</source>
        <translation>粘贴图片(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Sample photos…</source>
        <translation>示例照片(&amp;S)…</translation>
    </message>
    <message>
        <source>&amp;Live camera</source>
        <translation>实时摄像头(&amp;L)</translation>
    </message>
    <message>
        <source>A part of the scree&amp;n…</source>
        <translation>屏幕的一部分(&amp;N)…</translation>
    </message>
    <message>
        <source>&amp;Follow a part of the screen…</source>
        <translation>跟随屏幕的一部分(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Remove this picture</source>
        <translation>移除这张图片(&amp;R)</translation>
    </message>
    <message>
        <source>Open sess&amp;ion…</source>
        <translation>打开会话(&amp;I)…</translation>
    </message>
    <message>
        <source>Re&amp;cent sessions…</source>
        <translation>最近的会话(&amp;C)…</translation>
    </message>
    <message>
        <source>Sa&amp;ve the session</source>
        <translation>保存会话(&amp;V)</translation>
    </message>
    <message>
        <source>Save the session &amp;as…</source>
        <translation>会话另存为(&amp;A)…</translation>
    </message>
    <message>
        <source>&amp;Keep unsaved sessions</source>
        <translation>保留未保存的会话(&amp;K)</translation>
    </message>
    <message>
        <source>&amp;Export</source>
        <translation>导出(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Picture of the map (PNG)…</source>
        <translation>热图图片 (PNG)…(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Film, word by word (GIF)…</source>
        <translation>逐词动画 (GIF)…(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Report (HTML)…</source>
        <translation>报告 (HTML)…(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Card to print (PNG or PDF)…</source>
        <translation>可打印的卡片 (PNG 或 PDF)(&amp;C)…</translation>
    </message>
    <message>
        <source>&amp;Data (JSON and NPZ)…</source>
        <translation>数据 (JSON 和 NPZ)…(&amp;D)</translation>
    </message>
    <message>
        <source>E&amp;vent mode…</source>
        <translation>活动模式(&amp;V)…</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>撤销(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Name a picture in the question…</source>
        <translation>在问题中提到图片(&amp;N)…</translation>
    </message>
    <message>
        <source>&amp;Copy the answer</source>
        <translation>复制回答(&amp;C)</translation>
    </message>
    <message>
        <source>C&amp;lear this conversation</source>
        <translation>清除这段对话(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Answer</source>
        <translation>回答(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Draw instead of asking</source>
        <translation>画画而不提问(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Stop</source>
        <translation>停止(&amp;S)</translation>
    </message>
    <message>
        <source>Answer &amp;again</source>
        <translation>重新回答(&amp;A)</translation>
    </message>
    <message>
        <source>Ask the last question with this &amp;fusion</source>
        <translation>用这种融合方式问上一个问题(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Compare the fusions…</source>
        <translation>比较融合方式(&amp;C)…</translation>
    </message>
    <message>
        <source>&amp;Play it word by word</source>
        <translation>逐词播放(&amp;P)</translation>
    </message>
    <message>
        <source>All &amp;heads for the chosen word…</source>
        <translation>所选单词的所有头(&amp;H)…</translation>
    </message>
    <message>
        <source>The f&amp;ormula with its numbers…</source>
        <translation>公式与实际数字(&amp;O)…</translation>
    </message>
    <message>
        <source>&amp;Model</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Models…</source>
        <translation>模型(&amp;M)…</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Tour in four steps</source>
        <translation>四步导览(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Keyboard</source>
        <translation>键盘(&amp;K)</translation>
    </message>
    <message>
        <source>&amp;About MMGPT Desktop</source>
        <translation>关于 MMGPT Desktop(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Drawing, with its prompt inside (PNG)…</source>
        <translation>画作，内含提示词（PNG）(&amp;D)…</translation>
    </message>
    <message>
        <source>Zoom &amp;in</source>
        <translation>放大(&amp;I)</translation>
    </message>
    <message>
        <source>Zoom &amp;out</source>
        <translation>缩小(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Whole picture</source>
        <translation>整张图片(&amp;W)</translation>
    </message>
    <message>
        <source>&amp;Next picture</source>
        <translation>下一张图片(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;Previous picture</source>
        <translation>上一张图片(&amp;P)</translation>
    </message>
    <message>
        <source>Go to the picture</source>
        <translation>转到图片</translation>
    </message>
    <message>
        <source>Go to the question</source>
        <translation>转到问题</translation>
    </message>
    <message>
        <source>Go to the answer</source>
        <translation>转到回答</translation>
    </message>
    <message>
        <source>Go to the heatmap</source>
        <translation>转到热图</translation>
    </message>
    <message>
        <source>&amp;Full screen</source>
        <translation>全屏(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>主题(&amp;T)</translation>
    </message>
    <message>
        <source>Like the &amp;system</source>
        <translation>跟随系统(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Light</source>
        <translation>浅色(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Dark</source>
        <translation>深色(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;High contrast</source>
        <translation>高对比度(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Reduce motion</source>
        <translation>减少动态效果(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>语言(&amp;L)</translation>
    </message>
</context>
<context>
    <name>ModelLoader</name>
    <message>
        <source>Loading the model…</source>
        <translation>正在加载模型…</translation>
    </message>
    <message>
        <source>The model was not loaded.</source>
        <translation>模型未加载。</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>ModelsController</name>
    <message>
        <source>Use the model that ships</source>
        <translation>使用自带模型</translation>
    </message>
    <message>
        <source>{name} is on this computer now.</source>
        <translation>{name} 已下载到本机。</translation>
    </message>
    <message>
        <source>The ONNX graphs are made: {name}.</source>
        <translation>ONNX 图已生成：{name}。</translation>
    </message>
    <message>
        <source>Use this model</source>
        <translation>使用此模型</translation>
    </message>
    <message>
        <source>Draw with this model</source>
        <translation>用这个模型作画</translation>
    </message>
</context>
<context>
    <name>ModelsDialog</name>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Export to ONNX…</source>
        <translation>导出为 ONNX…</translation>
    </message>
    <message>
        <source>Stop the export</source>
        <translation>停止导出</translation>
    </message>
    <message>
        <source>Stop the download</source>
        <translation>停止下载</translation>
    </message>
    <message>
        <source>Add a folder…</source>
        <translation>添加文件夹…</translation>
    </message>
    <message>
        <source>A model that is on this computer already</source>
        <translation>本机上已有的模型</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>On this computer</source>
        <translation>本机</translation>
    </message>
    <message>
        <source>To download</source>
        <translation>可下载</translation>
    </message>
    <message>
        <source>Being exported…</source>
        <translation>正在导出…</translation>
    </message>
    <message>
        <source>In use</source>
        <translation>正在使用</translation>
    </message>
    <message>
        <source>{size} of about {whole} are here</source>
        <translation>约 {whole}，已有 {size}</translation>
    </message>
    <message>
        <source>About {size}</source>
        <translation>约 {size}</translation>
    </message>
    <message>
        <source>Waiting to begin…</source>
        <translation>等待开始…</translation>
    </message>
    <message>
        <source>{done} of {total}</source>
        <translation>{done} / {total}</translation>
    </message>
    <message>
        <source>Downloading: {amount}</source>
        <translation>正在下载：{amount}</translation>
    </message>
    <message>
        <source>The server is silent; trying again: {amount}</source>
        <translation>服务器没有回应，正在重试：{amount}</translation>
    </message>
    <message>
        <source>Checking what arrived: {amount}</source>
        <translation>正在校验：{amount}</translation>
    </message>
    <message>
        <source>Starting PyTorch</source>
        <translation>正在启动 PyTorch</translation>
    </message>
    <message>
        <source>Export: {what}…</source>
        <translation>导出：{what}…</translation>
    </message>
    <message>
        <source>Use this model</source>
        <translation>使用此模型</translation>
    </message>
    <message>
        <source>Draw with this model</source>
        <translation>用这个模型作画</translation>
    </message>
    <message>
        <source>Go on with the download…</source>
        <translation>继续下载…</translation>
    </message>
    <message>
        <source>Download…</source>
        <translation>下载…</translation>
    </message>
    <message>
        <source>Delete…</source>
        <translation>删除…</translation>
    </message>
    <message>
        <source>Take off the list</source>
        <translation>从列表中移除</translation>
    </message>
    <message>
        <source>On the disk</source>
        <translation>占用磁盘</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Memory needed</source>
        <translation>所需内存</translation>
    </message>
    <message>
        <source>Memory free</source>
        <translation>空闲内存</translation>
    </message>
    <message>
        <source>Licence</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>From</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>{count} tokens a second in its last answer</source>
        <translation>上一个回答：每秒 {count} 个词元</translation>
    </message>
    <message>
        <source>Not measured yet</source>
        <translation>尚未测量</translation>
    </message>
    <message>
        <source>Speed here</source>
        <translation>本机速度</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>{computer} in the computer, {card} on the graphics card</source>
        <translation>电脑 {computer}，显卡 {card}</translation>
    </message>
    <message>
        <source>{size}, and the checkpoint&apos;s weights {before}</source>
        <translation>{size}，检查点的权重为 {before}</translation>
    </message>
    <message>
        <source>Not compared: {why}</source>
        <translation>未比较：{why}</translation>
    </message>
    <message>
        <source>Exported</source>
        <translation>导出结果</translation>
    </message>
    <message>
        <source>Beside PyTorch</source>
        <translation>与 PyTorch 相比</translation>
    </message>
    <message>
        <source>Heatmap</source>
        <translation>热图</translation>
    </message>
    <message>
        <source>{licence}, to be accepted there first</source>
        <translation>{licence}，需先在来源处同意</translation>
    </message>
    <message>
        <source>Connect to {host} and download about {size}? Its licence is: {licence}.</source>
        <translation>要连接 {host} 并下载约 {size} 吗？许可证：{licence}。</translation>
    </message>
    <message>
        <source>Accept its terms at {page} first, and enter an access token of yours, unless one is set up on this computer.</source>
        <translation>请先在 {page} 同意其条款，并输入您的访问令牌；如果本机已设置令牌，则不必输入。</translation>
    </message>
    <message>
        <source>Delete {size} from this computer? Other programs that use the Hugging Face cache have to download it again too.</source>
        <translation>要从本机删除 {size} 吗？使用 Hugging Face 缓存的其他程序也需要重新下载。</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Add a model&apos;s folder</source>
        <translation>添加模型文件夹</translation>
    </message>
</context>
<context>
    <name>Notice</name>
    <message>
        <source>Read all of it</source>
        <translation>阅读全文</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>Notices</name>
    <message>
        <source>{count} more messages: show the next</source>
        <translation>还有 {count} 条消息：显示下一条</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>复制详细信息</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
</context>
<context>
    <name>OutputPane</name>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Answers; the arrow keys walk from word to word</source>
        <translation>回答；方向键逐词移动</translation>
    </message>
    <message>
        <source>The answer appears here</source>
        <translation>回答会出现在这里</translation>
    </message>
    <message>
        <source>word by word. Point at a word to see where the model looked for it.</source>
        <translation>逐词显示。指向一个单词，即可看到模型为它看了哪里。</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Copy the last answer</source>
        <translation>复制最后的回答</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>重新回答</translation>
    </message>
    <message>
        <source>Clear this conversation</source>
        <translation>清除这段对话</translation>
    </message>
    <message>
        <source>Ask the model anyway</source>
        <translation>仍然问模型</translation>
    </message>
    <message>
        <source>It will guess. Asking the same again does this too.</source>
        <translation>它会猜一个答案。再问一遍同样的问题也一样。</translation>
    </message>
    <message>
        <source>What a word&apos;s underline tells</source>
        <translation>单词下划线的含义</translation>
    </message>
    <message>
        <source>Needs the picture?</source>
        <translation>需要图片吗？</translation>
    </message>
    <message>
        <source>How sure?</source>
        <translation>有多大把握？</translation>
    </message>
    <message>
        <source>Dashed line under a word: the model was not quite sure. Dotted: it was unsure.</source>
        <translation>词下有虚线：模型不太有把握。点线：模型没有把握。</translation>
    </message>
</context>
<context>
    <name>PaintController</name>
    <message>
        <source>{name} draws from now on.</source>
        <translation>从现在起由 {name} 作画。</translation>
    </message>
    <message>
        <source>Say first what is to be drawn, or choose it below.</source>
        <translation>请先写要画什么，或在下面选择。</translation>
    </message>
    <message>
        <source>That is too long: {count} characters, and {limit} is the most.</source>
        <translation>太长了：{count} 个字符，最多 {limit} 个。</translation>
    </message>
    <message>
        <source>Without this word nothing is said any more.</source>
        <translation>去掉这个词就什么也没有了。</translation>
    </message>
    <message>
        <source>{painter} drew this picture, and only it could draw it without a word.</source>
        <translation>这张图是 {painter} 画的，只有它才能去掉一个词再画。</translation>
    </message>
    <message>
        <source>An earlier {painter} drew this picture: have it drawn again first.</source>
        <translation>这幅画是旧版的 {painter} 画的：请先让它重画一次。</translation>
    </message>
    <message>
        <source>A picture is still being drawn. Wait for it, or stop it with Esc.</source>
        <translation>还在画一张图。请等它画完，或按 Esc 停止。</translation>
    </message>
    <message>
        <source>Beginning…</source>
        <translation>正在开始…</translation>
    </message>
    <message>
        <source>Drawing…</source>
        <translation>正在画…</translation>
    </message>
</context>
<context>
    <name>PaneArea</name>
    <message>
        <source>Which pane is in view</source>
        <translation>显示哪个面板</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Heatmap</source>
        <translation>热图</translation>
    </message>
    <message>
        <source>Question and answer</source>
        <translation>问题与回答</translation>
    </message>
</context>
<context>
    <name>Photos</name>
    <message>
        <source>Opening {name}…</source>
        <translation>正在打开 {name}…</translation>
    </message>
    <message>
        <source>Only the first {most} of {count} files are opened.</source>
        <translation>共 {count} 个文件，只打开前 {most} 个。</translation>
    </message>
    <message>
        <source>Open the others when you are done with these.</source>
        <translation>处理完这些后，再打开其余的。</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>粘贴的图片</translation>
    </message>
    <message>
        <source>Opening the picture…</source>
        <translation>正在打开图片…</translation>
    </message>
    <message>
        <source>There is no picture to take.</source>
        <translation>没有可用的图片。</translation>
    </message>
    <message>
        <source>Copy a picture or a picture file first, then paste.</source>
        <translation>请先复制图片或图片文件，再粘贴。</translation>
    </message>
    <message>
        <source>Download this picture?</source>
        <translation>下载这张图片？</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Downloading the picture…</source>
        <translation>正在下载图片…</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>The picture and its conversation were removed.</source>
        <translation>图片及其对话已移除。</translation>
    </message>
</context>
<context>
    <name>PictureChoice</name>
    <message>
        <source>Pictures and videos</source>
        <translation>图片和视频</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
    <message>
        <source>Open pictures</source>
        <translation>打开图片</translation>
    </message>
</context>
<context>
    <name>PinPad</name>
    <message>
        <source>PIN of the organiser</source>
        <translation>主办方的 PIN 码</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>OK</source>
        <translation>确定</translation>
    </message>
    <message>
        <source>Erase the last digit</source>
        <translation>删除最后一位数字</translation>
    </message>
    <message>
        <source>This PIN is wrong.</source>
        <translation>PIN 码不对。</translation>
    </message>
    <message>
        <source>This PIN is wrong. Wait {seconds} seconds.</source>
        <translation>PIN 码不对，请等待 {seconds} 秒。</translation>
    </message>
</context>
<context>
    <name>Presenter</name>
    <message>
        <source>Presenter</source>
        <translation>演示者</translation>
    </message>
    <message>
        <source>Sample</source>
        <translation>示例</translation>
    </message>
    <message>
        <source>How it answers</source>
        <translation>如何回答</translation>
    </message>
    <message>
        <source>The big screen</source>
        <translation>大屏幕</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Fusion</source>
        <translation>融合方式</translation>
    </message>
    <message>
        <source>Heatmap</source>
        <translation>热图</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>Previous</source>
        <translation>上一个</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>下一个</translation>
    </message>
    <message>
        <source>Play the samples</source>
        <translation>播放示例</translation>
    </message>
    <message>
        <source>Freeze</source>
        <translation>定住画面</translation>
    </message>
    <message>
        <source>Blank</source>
        <translation>黑屏</translation>
    </message>
    <message>
        <source>Start anew</source>
        <translation>重新开始</translation>
    </message>
    <message>
        <source>Leave the event…</source>
        <translation>退出活动模式…</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
    <message>
        <source>Keys, also on a clicker: Page Down and Page Up for the samples, B or the full stop for a black screen, F5 to play the samples. F9 closes this window.</source>
        <translation>按键（翻页笔也可用）：Page Down 和 Page Up 切换示例，B 或句号键黑屏，F5 播放示例。F9 关闭本窗口。</translation>
    </message>
    <message>
        <source>Speed × {value}</source>
        <translation>速度 × {value}</translation>
    </message>
</context>
<context>
    <name>Presenting</name>
    <message>
        <source>None yet</source>
        <translation>还没有</translation>
    </message>
    <message>
        <source>Loading the model…</source>
        <translation>正在加载模型…</translation>
    </message>
    <message>
        <source>Answers now: {name}</source>
        <translation>现在由 {name} 回答</translation>
    </message>
    <message>
        <source>This model can&apos;t be loaded.</source>
        <translation>无法加载这个模型。</translation>
    </message>
</context>
<context>
    <name>PromptPane</name>
    <message>
        <source>Question</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Your question</source>
        <translation>您的问题</translation>
    </message>
    <message>
        <source>Name another picture in the question</source>
        <translation>在问题中提到另一张图片</translation>
    </message>
    <message>
        <source>an orange flower</source>
        <translation>一朵橙色的花</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
    <message>
        <source>Ask (Enter)</source>
        <translation>提问（Enter）</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Stop the answer (Esc)</source>
        <translation>停止回答（Esc）</translation>
    </message>
    <message>
        <source>Describe this picture.</source>
        <translation>描述这张图片</translation>
    </message>
    <message>
        <source>What is happening here?</source>
        <translation>这里在发生什么？</translation>
    </message>
    <message>
        <source>What objects are here?</source>
        <translation>这里有哪些物体？</translation>
    </message>
    <message>
        <source>Ask: {question}</source>
        <translation>提问：{question}</translation>
    </message>
    <message>
        <source>a yellow sunflower</source>
        <translation>一朵黄色的向日葵</translation>
    </message>
    <message>
        <source>a pink rose</source>
        <translation>一朵粉色的玫瑰</translation>
    </message>
    <message>
        <source>a blue shirt</source>
        <translation>一件蓝色的衬衫</translation>
    </message>
    <message>
        <source>Draw: {prompt}</source>
        <translation>画：{prompt}</translation>
    </message>
    <message>
        <source>Drawing</source>
        <translation>画画</translation>
    </message>
    <message>
        <source>What is to be drawn? Enter draws.</source>
        <translation>要画什么？按 Enter 开始画。</translation>
    </message>
    <message>
        <source>What is to be drawn? The painter learnt {things}. Enter draws.</source>
        <translation>要画什么？它学过{things}。按 Enter 开始画。</translation>
    </message>
    <message>
        <source>What is to be drawn</source>
        <translation>要画什么</translation>
    </message>
    <message>
        <source>Draw</source>
        <translation>画画</translation>
    </message>
    <message>
        <source>Draw (Enter)</source>
        <translation>画（Enter）</translation>
    </message>
    <message>
        <source>Stop the answer and the drawing (Esc)</source>
        <translation>停止回答和画画（Esc）</translation>
    </message>
    <message>
        <source>Stop drawing (Esc)</source>
        <translation>停止画画（Esc）</translation>
    </message>
    <message>
        <source>That was too long: only its first {limit} characters were pasted.</source>
        <translation>内容太长：只粘贴了前 {limit} 个字符。</translation>
    </message>
    <message>
        <source>What colour is the …?</source>
        <translation>……是什么颜色？</translation>
    </message>
    <message>
        <source>{invitation}. Enter asks, Shift+Enter breaks the line.</source>
        <translation>{invitation}。按 Enter 提问，按 Shift+Enter 换行。</translation>
    </message>
    <message>
        <source>Begin this question, to be completed</source>
        <translation>写下这个问题的开头，由您补全</translation>
    </message>
</context>
<context>
    <name>RecentDialog</name>
    <message>
        <source>Recent sessions</source>
        <translation>最近的会话</translation>
    </message>
    <message>
        <source>Search in questions, answers and names</source>
        <translation>在问题、回答和名称中搜索</translation>
    </message>
    <message>
        <source>Sessions; Enter opens one, Delete forgets it</source>
        <translation>会话；按回车键打开，按 Delete 键移除</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Forget</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Take it off this list; the file stays, unless nobody saved it</source>
        <translation>从列表中移除；文件保留，除非从未保存过</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>No session has all of these words.</source>
        <translation>没有会话包含所有这些词。</translation>
    </message>
    <message>
        <source>There are no sessions yet. Save one with Ctrl+S.</source>
        <translation>还没有会话。按 Ctrl+S 保存一个。</translation>
    </message>
    <message>
        <source>Not saved</source>
        <translation>未保存</translation>
    </message>
    <message>
        <source>{pictures} pictures, {questions} questions</source>
        <translation>{pictures} 张图片，{questions} 个问题</translation>
    </message>
</context>
<context>
    <name>References</name>
    <message>
        <source>The question names a picture, and none is open.</source>
        <translation>问题中提到了图片，但没有打开任何图片。</translation>
    </message>
    <message>
        <source>There is no picture {number}: {count} are open.</source>
        <translation>没有图片 {number}：已打开 {count} 张。</translation>
    </message>
    <message>
        <source>Write what you want to know about the pictures, too.</source>
        <translation>请同时写出您想了解这些图片的什么。</translation>
    </message>
    <message>
        <source>Wait until the model is loaded: not every one reads several pictures.</source>
        <translation>请等模型加载完成：并非每个模型都能读多张图片。</translation>
    </message>
    <message>
        <source>{name} looks at one picture at a time. Ask without naming others, or choose another model (Ctrl+M).</source>
        <translation>{name} 一次只看一张图片。提问时请不要提到其他图片，或选择另一个模型 (Ctrl+M)。</translation>
    </message>
</context>
<context>
    <name>RegionOverlay</name>
    <message>
        <source>Drag a rectangle, or move it with the arrow keys (Shift changes its size). Enter takes it, Esc cancels.</source>
        <translation>拖出一个矩形，或用方向键移动它（按住 Shift 改变大小）。按 Enter 确认，按 Esc 取消。</translation>
    </message>
</context>
<context>
    <name>RegionPicker</name>
    <message>
        <source>This desktop doesn&apos;t let programs read the screen. Take a screenshot with its own key, then paste it here with Ctrl+V.</source>
        <translation>此桌面不允许程序读取屏幕。请用桌面自带的快捷键截图，再用 Ctrl+V 粘贴到这里。</translation>
    </message>
</context>
<context>
    <name>RegionSource</name>
    <message>
        <source>The screen that was followed is gone.</source>
        <translation>所跟随的屏幕已不存在。</translation>
    </message>
</context>
<context>
    <name>SamplesDialog</name>
    <message>
        <source>Sample photos</source>
        <translation>示例照片</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>{title}, by {author}. Licence: {licence}. Source: {source}</source>
        <translation>{title}，作者 {author}。许可：{licence}。来源：{source}</translation>
    </message>
</context>
<context>
    <name>Sessions</name>
    <message>
        <source>Save the session</source>
        <translation>保存会话</translation>
    </message>
    <message>
        <source>Open a session</source>
        <translation>打开会话</translation>
    </message>
    <message>
        <source>Sessions</source>
        <translation>会话</translation>
    </message>
    <message>
        <source>Opening {name}…</source>
        <translation>正在打开 {name}…</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>The opened session took the place of what was here.</source>
        <translation>打开的会话取代了原有内容。</translation>
    </message>
    <message>
        <source>The program ended before its last session was saved.</source>
        <translation>程序上次结束时，会话还没有保存。</translation>
    </message>
    <message>
        <source>It was kept, and is also among the recent sessions.</source>
        <translation>会话已保留，也可在最近的会话中找到。</translation>
    </message>
    <message>
        <source>Bring it back</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Saved as {name}.</source>
        <translation>已保存为 {name}。</translation>
    </message>
    <message>
        <source>Save under another name…</source>
        <translation>另存为…</translation>
    </message>
    <message>
        <source>Replace it</source>
        <translation>替换</translation>
    </message>
</context>
<context>
    <name>ShowAnswer</name>
    <message>
        <source>The answer; the arrow keys walk from word to word</source>
        <translation>回答；方向键逐词移动</translation>
    </message>
</context>
<context>
    <name>SouvenirPanel</name>
    <message>
        <source>Take it home</source>
        <translation>带回家</translation>
    </message>
    <message>
        <source>Give the organiser a copy</source>
        <translation>给主办方留一份</translation>
    </message>
    <message>
        <source>Your card</source>
        <translation>您的卡片</translation>
    </message>
    <message>
        <source>To my phone</source>
        <translation>传到我的手机</translation>
    </message>
    <message>
        <source>Print it</source>
        <translation>打印</translation>
    </message>
    <message>
        <source>The card: your picture, the question, the answer and where the AI looked</source>
        <translation>卡片：您的图片、问题、回答，以及 AI 看的地方</translation>
    </message>
    <message>
        <source>The organiser has a copy now.</source>
        <translation>主办方已收到一份。</translation>
    </message>
    <message>
        <source>Please tell somebody who works here: {what}</source>
        <translation>请告诉这里的工作人员：{what}</translation>
    </message>
    <message>
        <source>Scan this with your phone. It has to be in the same Wi-Fi as this computer.</source>
        <translation>请用手机扫描。手机要和这台电脑连同一个 Wi-Fi。</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>Your card is being drawn…</source>
        <translation>正在制作您的卡片…</translation>
    </message>
    <message>
        <source>It is being printed.</source>
        <translation>正在打印。</translation>
    </message>
    <message>
        <source>It works for another {time} minutes.</source>
        <translation>还可使用 {time} 分钟。</translation>
    </message>
    <message>
        <source>The code has ended. You can have a new one.</source>
        <translation>二维码已失效，可以重新获取。</translation>
    </message>
</context>
<context>
    <name>Stage</name>
    <message>
        <source>Picture</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Drag a picture onto this screen, and let it go.</source>
        <translation>把图片拖到这个屏幕上，然后松开。</translation>
    </message>
    <message>
        <source>Something went wrong, so I started again. Please show me your picture anew.</source>
        <translation>出了点问题，我已重新启动。请再给我看一次您的图片。</translation>
    </message>
</context>
<context>
    <name>StartPage</name>
    <message>
        <source>Show me a picture</source>
        <translation>给我看一张图片</translation>
    </message>
    <message>
        <source>Ask me about it, and see where I look for every word that I write.</source>
        <translation>就图片向我提问，看看我写每个词时在看哪里。</translation>
    </message>
    <message>
        <source>Take a picture</source>
        <translation>拍一张</translation>
    </message>
    <message>
        <source>with the camera</source>
        <translation>用摄像头</translation>
    </message>
    <message>
        <source>Choose a picture</source>
        <translation>选一张图片</translation>
    </message>
    <message>
        <source>Drop a picture</source>
        <translation>拖入图片</translation>
    </message>
    <message>
        <source>from this computer&apos;s folder</source>
        <translation>来自这台电脑的文件夹</translation>
    </message>
    <message>
        <source>anywhere on this screen</source>
        <translation>放到屏幕任意位置</translation>
    </message>
    <message>
        <source>Choose a sample</source>
        <translation>选一个示例</translation>
    </message>
    <message>
        <source>one of our photos</source>
        <translation>我们准备的照片</translation>
    </message>
    <message>
        <source>Have one drawn</source>
        <translation>让我画一张</translation>
    </message>
    <message>
        <source>by what you say</source>
        <translation>按你说的来画</translation>
    </message>
    <message>
        <source>The organiser of this event keeps your pictures and your questions.</source>
        <translation>本活动的主办方会保留您的图片和提问。</translation>
    </message>
    <message>
        <source>The organiser of this event keeps the pictures that you show here.</source>
        <translation>本活动的主办方会保留您在这里展示的图片。</translation>
    </message>
    <message>
        <source>Your picture is forgotten when you go; the organiser keeps the questions.</source>
        <translation>您离开后图片即被清除；主办方会保留提问。</translation>
    </message>
    <message>
        <source>Your picture stays on this computer, and is forgotten when you go.</source>
        <translation>您的图片只留在这台电脑上，您离开后即被清除。</translation>
    </message>
</context>
<context>
    <name>Status</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Load the model</source>
        <translation>加载模型</translation>
    </message>
    <message>
        <source>Stop loading the model</source>
        <translation>停止加载模型</translation>
    </message>
    <message>
        <source>Loading the model</source>
        <translation>正在加载模型</translation>
    </message>
    <message>
        <source>PyTorch on the graphics card</source>
        <translation>PyTorch（显卡）</translation>
    </message>
    <message>
        <source>ONNX Runtime on the graphics card</source>
        <translation>ONNX Runtime（显卡）</translation>
    </message>
    <message>
        <source>ONNX Runtime on the processor</source>
        <translation>ONNX Runtime（处理器）</translation>
    </message>
    <message>
        <source>PyTorch on the processor</source>
        <translation>PyTorch（处理器）</translation>
    </message>
</context>
<context>
    <name>Tour</name>
    <message>
        <source>Put a picture in</source>
        <translation>放入一张图片</translation>
    </message>
    <message>
        <source>Drop one here, open one, or begin with a sample photo. It stays on this computer.</source>
        <translation>拖到这里、打开一张，或从示例照片开始。图片只留在本机。</translation>
    </message>
    <message>
        <source>Ask about it</source>
        <translation>提问</translation>
    </message>
    <message>
        <source>Type a question and press Enter, or choose one below it.</source>
        <translation>输入问题后按 Enter，或者选一个下方的问题。</translation>
    </message>
    <message>
        <source>Read the answer</source>
        <translation>阅读回答</translation>
    </message>
    <message>
        <source>It comes word by word. Point at a word, or walk to it with the arrow keys.</source>
        <translation>回答逐词出现。指向一个词，或用方向键移到它上面。</translation>
    </message>
    <message>
        <source>See where the model looked</source>
        <translation>看模型看了哪里</translation>
    </message>
    <message>
        <source>The map belongs to the chosen word. While you read, the program measures whether the word really needed the bright places.</source>
        <translation>图对应选中的词。你阅读的时候，程序会测量这个词是否真的需要亮的地方。</translation>
    </message>
    <message>
        <source>Step {number} of {count}</source>
        <translation>第 {number} 步，共 {count} 步</translation>
    </message>
    <message>
        <source>Skip the tour</source>
        <translation>跳过导览</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>上一步</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>下一步</translation>
    </message>
</context>
<context>
    <name>WishArea</name>
    <message>
        <source>Or say what I shall draw</source>
        <translation>或者告诉我画什么</translation>
    </message>
    <message>
        <source>Draw</source>
        <translation>画画</translation>
    </message>
</context>
<context>
    <name>WordOrWhole</name>
    <message>
        <source>Word</source>
        <translation>单词</translation>
    </message>
    <message>
        <source>For the chosen word</source>
        <translation>针对所选单词</translation>
    </message>
    <message>
        <source>Whole answer</source>
        <translation>整个回答</translation>
    </message>
    <message>
        <source>For all words of the answer together</source>
        <translation>回答里所有的词一起</translation>
    </message>
</context>
<context>
    <name>WordStrip</name>
    <message>
        <source>Small maps of all words; the arrow keys choose one</source>
        <translation>所有单词的小热图；用方向键选择一个</translation>
    </message>
</context>
<context>
    <name>cameras</name>
    <message>
        <source>The camera can&apos;t be used: a library of the system is missing ({reason}). On Debian and Ubuntu, install libpulse0.</source>
        <translation>无法使用摄像头：系统缺少一个库（{reason}）。在 Debian 和 Ubuntu 上请安装 libpulse0。</translation>
    </message>
    <message>
        <source>There is no camera. Plug one in, then try again.</source>
        <translation>没有找到摄像头。请接上摄像头后再试。</translation>
    </message>
</context>
<context>
    <name>catalogue</name>
    <message>
        <source>A large SmolVLM as ONNX graphs in 8 bits: no PyTorch is needed, but it is less exact.</source>
        <translation>大型 SmolVLM 的 8 位 ONNX 图：不需要 PyTorch，但精度较低。</translation>
    </message>
    <message>
        <source>Converses well, in many languages.</source>
        <translation>擅长对话，支持多种语言。</translation>
    </message>
    <message>
        <source>Cuts a large picture into tiles and reads each.</source>
        <translation>把大图切成小块，逐块阅读。</translation>
    </message>
    <message>
        <source>Describes a picture and draws boxes around what it names.</source>
        <translation>描述图片，并框出提到的事物。</translation>
    </message>
    <message>
        <source>Draws large pictures in a few steps and answers nothing. It needs the library diffusers.</source>
        <translation>几步就能画出大图，但不回答问题。需要 diffusers 库。</translation>
    </message>
    <message>
        <source>Draws small pictures by their surest parts first. It needs the library diffusers.</source>
        <translation>画小图，先画最有把握的部分。需要 diffusers 库。</translation>
    </message>
    <message>
        <source>Draws what many know, in thirty steps: on a graphics card. It needs the library diffusers.</source>
        <translation>许多人熟悉的作画模型，要走三十步，适合在显卡上用。需要 diffusers 库。</translation>
    </message>
    <message>
        <source>Made for short tasks, such as: caption en.</source>
        <translation>用于简短的任务，例如：caption en。</translation>
    </message>
    <message>
        <source>One of the strongest small ones, in many languages.</source>
        <translation>最强的小模型之一，支持多种语言。</translation>
    </message>
    <message>
        <source>Reads pictures and draws them: ask it, or have it draw.</source>
        <translation>能看图也能画图：可以向它提问，也可以让它画。</translation>
    </message>
    <message>
        <source>Small and clearly better at details than the smallest one.</source>
        <translation>体积小，细节明显好于最小的模型。</translation>
    </message>
    <message>
        <source>Strong at text in pictures. Its licence allows research only.</source>
        <translation>擅长图中文字。许可证仅允许研究用途。</translation>
    </message>
    <message>
        <source>The largest SmolVLM; it also reads several pictures at once.</source>
        <translation>最大的 SmolVLM，也能同时阅读多张图片。</translation>
    </message>
    <message>
        <source>The public Flamingo: the text looks at the picture by cross-attention.</source>
        <translation>公开的 Flamingo：文字通过交叉注意力看图片。</translation>
    </message>
    <message>
        <source>The same as ONNX graphs in 8 bits: half the download and no PyTorch, but less exact.</source>
        <translation>同一模型的 8 位 ONNX 图：下载量减半，不需要 PyTorch，但精度较低。</translation>
    </message>
    <message>
        <source>The small LLaVA, for one picture or several.</source>
        <translation>小型 LLaVA，可用于一张或多张图片。</translation>
    </message>
    <message>
        <source>The smallest one, and quick: a good first choice.</source>
        <translation>最小，也很快：首选之一。</translation>
    </message>
    <message>
        <source>What many papers compare with. It needs a large computer.</source>
        <translation>许多论文用它作比较。需要配置较高的电脑。</translation>
    </message>
</context>
<context>
    <name>cells</name>
    <message>
        <source>Row {row}, column {column}</source>
        <translation>第 {row} 行，第 {column} 列</translation>
    </message>
    <message>
        <source>not measured yet</source>
        <translation>尚未测量</translation>
    </message>
    <message>
        <source>Drag to see which words needed a place.</source>
        <translation>拖动以查看哪些单词需要某处。</translation>
    </message>
    <message>
        <source>brightest {rank} of {count}</source>
        <translation>亮度排名 {rank} / {count}</translation>
    </message>
</context>
<context>
    <name>errors</name>
    <message>
        <source>A model&apos;s folder has config.json, tokenizer.json, and weights or graphs beside them.</source>
        <translation>模型文件夹里应有 config.json、tokenizer.json，以及权重或计算图文件。</translation>
    </message>
    <message>
        <source>Accept them at {page}, make an access token there, and enter it before the download.</source>
        <translation>请在 {page} 同意条款，在那里创建访问令牌，并在下载前输入。</translation>
    </message>
    <message>
        <source>Add one in the system&apos;s settings, and make it the usual one.</source>
        <translation>请在系统设置中添加打印机，并设为默认。</translation>
    </message>
    <message>
        <source>All heads of all layers: which of them tell most was not measured for this model.</source>
        <translation>所有层的所有注意力头：尚未测量此模型中哪些最能说明问题。</translation>
    </message>
    <message>
        <source>Another program may be using it. Close that, and try again.</source>
        <translation>可能有其他程序正在使用它。请关闭该程序后重试。</translation>
    </message>
    <message>
        <source>Another program may use the port: name another one in the profile.</source>
        <translation>端口可能被其他程序占用：请在配置文件中换一个端口。</translation>
    </message>
    <message>
        <source>Ask a shorter question, or about fewer pictures or with less detail.</source>
        <translation>请缩短问题，减少图片，或降低细节。</translation>
    </message>
    <message>
        <source>Ask a shorter question.</source>
        <translation>请提一个更短的问题。</translation>
    </message>
    <message>
        <source>Ask about a picture first.</source>
        <translation>请先就一张图片提问。</translation>
    </message>
    <message>
        <source>Ask about a picture.</source>
        <translation>请就一张图片提问。</translation>
    </message>
    <message>
        <source>Ask again.</source>
        <translation>请再问一次。</translation>
    </message>
    <message>
        <source>Ask in English, such as: What is this?</source>
        <translation>请用英语提问，例如：What is this?</translation>
    </message>
    <message>
        <source>Ask in another language.</source>
        <translation>请换一种语言提问。</translation>
    </message>
    <message>
        <source>Ask in other words, or choose another model.</source>
        <translation>请换一种说法提问，或选择其他模型。</translation>
    </message>
    <message>
        <source>Ask its owner, or copy it to a folder of yours.</source>
        <translation>请联系其所有者，或把它复制到您自己的文件夹。</translation>
    </message>
    <message>
        <source>Ask the model about the picture.</source>
        <translation>请就图片向模型提问。</translation>
    </message>
    <message>
        <source>Ask with another fusion.</source>
        <translation>请用另一种融合方式提问。</translation>
    </message>
    <message>
        <source>Ask with the fusion “Concatenation”, or choose another way.</source>
        <translation>请用“拼接”融合方式提问，或选择其他方法。</translation>
    </message>
    <message>
        <source>Attention and occlusion can be had with every model.</source>
        <translation>注意力和遮挡适用于每个模型。</translation>
    </message>
    <message>
        <source>Begin a new conversation, or choose another model.</source>
        <translation>请开始新的对话，或选择另一个模型。</translation>
    </message>
    <message>
        <source>Check that you may write there.</source>
        <translation>请检查您是否有写入权限。</translation>
    </message>
    <message>
        <source>Check the connection, or save the picture in the browser and open the file.</source>
        <translation>请检查网络连接，或在浏览器中保存图片后打开文件。</translation>
    </message>
    <message>
        <source>Check the connection, then start it again: what has arrived is kept.</source>
        <translation>请检查网络连接，然后重新开始：已下载的部分会保留。</translation>
    </message>
    <message>
        <source>Check the path: it may have been moved or renamed.</source>
        <translation>请检查路径：它可能已被移动或改名。</translation>
    </message>
    <message>
        <source>Choose a file that ends in .mmgpt.</source>
        <translation>请选择以 .mmgpt 结尾的文件。</translation>
    </message>
    <message>
        <source>Choose a file.</source>
        <translation>请选择一个文件。</translation>
    </message>
    <message>
        <source>Choose a model that answers questions about pictures.</source>
        <translation>请选择能回答图片问题的模型。</translation>
    </message>
    <message>
        <source>Choose a model that was made for conversations.</source>
        <translation>请选择为对话制作的模型。</translation>
    </message>
    <message>
        <source>Choose a model&apos;s folder.</source>
        <translation>请选择模型的文件夹。</translation>
    </message>
    <message>
        <source>Choose a painter.</source>
        <translation>请选择一个会画图的模型。</translation>
    </message>
    <message>
        <source>Choose a picture.</source>
        <translation>请选择一张图片。</translation>
    </message>
    <message>
        <source>Choose a public model&apos;s folder.</source>
        <translation>请选择公开模型的文件夹。</translation>
    </message>
    <message>
        <source>Choose a session&apos;s file.</source>
        <translation>请选择会话文件。</translation>
    </message>
    <message>
        <source>Choose a video.</source>
        <translation>请选择一个视频。</translation>
    </message>
    <message>
        <source>Choose a whole model&apos;s folder.</source>
        <translation>请选择完整模型的文件夹。</translation>
    </message>
    <message>
        <source>Choose another model.</source>
        <translation>请选择另一个模型。</translation>
    </message>
    <message>
        <source>Choose another name, one that ends in .json.</source>
        <translation>请换一个以 .json 结尾的名称。</translation>
    </message>
    <message>
        <source>Choose another painter.</source>
        <translation>请选择另一个画画模型。</translation>
    </message>
    <message>
        <source>Choose another place for the graphs.</source>
        <translation>请为图选择另一个位置。</translation>
    </message>
    <message>
        <source>Choose another place for them.</source>
        <translation>请为它们选择另一个位置。</translation>
    </message>
    <message>
        <source>Choose another place.</source>
        <translation>请选择其他位置。</translation>
    </message>
    <message>
        <source>Choose another.</source>
        <translation>请选择另一个。</translation>
    </message>
    <message>
        <source>Choose one of these: {known}.</source>
        <translation>请选择其中之一：{known}。</translation>
    </message>
    <message>
        <source>Choose the folder of one of them.</source>
        <translation>请选择其中一个模型的文件夹。</translation>
    </message>
    <message>
        <source>Choose the folder that it lies in, with all the model&apos;s files.</source>
        <translation>请选择它所在的文件夹，其中应有模型的全部文件。</translation>
    </message>
    <message>
        <source>Choose the model that it was made of, with its whole weights, or ONNX graphs of it.</source>
        <translation>请选择它的原始模型（完整权重），或该模型的 ONNX 计算图。</translation>
    </message>
    <message>
        <source>Choose the same model as safetensors, or as ONNX graphs.</source>
        <translation>请选择同一模型的 safetensors 版本或 ONNX 计算图版本。</translation>
    </message>
    <message>
        <source>Choose the same model with its weights as safetensors.</source>
        <translation>请选择同一模型的 safetensors 权重版本。</translation>
    </message>
    <message>
        <source>Clear conversations or remove pictures, then save it again.</source>
        <translation>请先清除一些对话或移除图片，再保存。</translation>
    </message>
    <message>
        <source>Close other programs and ask again.</source>
        <translation>请关闭其他程序后再提问。</translation>
    </message>
    <message>
        <source>Close other programs, or choose a smaller model.</source>
        <translation>请关闭其他程序，或选择更小的模型。</translation>
    </message>
    <message>
        <source>Close other programs, or take a smaller model.</source>
        <translation>请关闭其他程序，或换一个较小的模型。</translation>
    </message>
    <message>
        <source>Close other programs, then try again.</source>
        <translation>请关闭其他程序，然后重试。</translation>
    </message>
    <message>
        <source>Connect it to that network, or name another address in the profile.</source>
        <translation>请把它连接到那个网络，或在配置文件中换一个地址。</translation>
    </message>
    <message>
        <source>Connect it to the network that the visitors&apos; phones are in.</source>
        <translation>请把它连接到访客手机所在的网络。</translation>
    </message>
    <message>
        <source>Copy it to a folder of this computer, then open the copy.</source>
        <translation>请先把它复制到这台电脑的文件夹里，再打开副本。</translation>
    </message>
    <message>
        <source>Copy the picture again, or save it as a file and open that.</source>
        <translation>请重新复制图片，或把它存为文件再打开。</translation>
    </message>
    <message>
        <source>Copy the picture there and paste it here, or save it and open the file.</source>
        <translation>请在网页上复制图片后粘贴到这里，或保存后打开文件。</translation>
    </message>
    <message>
        <source>Cut a short piece out of it first.</source>
        <translation>请先剪出一小段。</translation>
    </message>
    <message>
        <source>Cut it to the part you ask about.</source>
        <translation>请将其裁剪到要提问的部分。</translation>
    </message>
    <message>
        <source>Describe a picture in a few words.</source>
        <translation>用几个词描述一张图片。</translation>
    </message>
    <message>
        <source>Don&apos;t use this model.</source>
        <translation>请不要使用这个模型。</translation>
    </message>
    <message>
        <source>Download that file again, and look whether the site asks you to log in first.</source>
        <translation>请重新下载该文件，并看看网站是否要求先登录。</translation>
    </message>
    <message>
        <source>Download the model again, or choose another one.</source>
        <translation>请重新下载模型，或选择另一个模型。</translation>
    </message>
    <message>
        <source>Download the model again, or copy that file from the model it was made of.</source>
        <translation>请重新下载模型，或从它的原始模型中复制该文件。</translation>
    </message>
    <message>
        <source>Downloads are switched off on this computer (HF_HUB_OFFLINE is set).</source>
        <translation>本机已关闭下载（设置了 HF_HUB_OFFLINE）。</translation>
    </message>
    <message>
        <source>Drop a picture file, for instance a photo from a folder.</source>
        <translation>请拖入图片文件，例如文件夹里的照片。</translation>
    </message>
    <message>
        <source>Enter another token, or take another model.</source>
        <translation>请输入另一个令牌，或选择另一个模型。</translation>
    </message>
    <message>
        <source>Export it as a JPEG with the camera&apos;s program or a photo editor.</source>
        <translation>请用相机软件或照片编辑器把它导出为 JPEG。</translation>
    </message>
    <message>
        <source>Get a whole copy of it and try again.</source>
        <translation>请取得完整的文件后重试。</translation>
    </message>
    <message>
        <source>Get a whole copy of it, or convert it to MP4.</source>
        <translation>请取得完整的文件，或将它转换为 MP4。</translation>
    </message>
    <message>
        <source>Get a whole copy of it, or save it as a JPEG or PNG in another program.</source>
        <translation>请重新获取完整的文件，或用其他软件另存为 JPEG 或 PNG。</translation>
    </message>
    <message>
        <source>Get the model anew.</source>
        <translation>请重新获取该模型。</translation>
    </message>
    <message>
        <source>Get the picture itself: git lfs pull.</source>
        <translation>请下载图片本身：git lfs pull。</translation>
    </message>
    <message>
        <source>I would rather not draw that.</source>
        <translation>这个我还是不画了。</translation>
    </message>
    <message>
        <source>In this fusion a head reads latents, and no cells of the photo.</source>
        <translation>在这种融合方式下，注意力头读取的是潜向量，而不是照片的单元格。</translation>
    </message>
    <message>
        <source>Install it beside the app: pip install diffusers</source>
        <translation>请把它装在本应用旁：pip install diffusers</translation>
    </message>
    <message>
        <source>Install that package again.</source>
        <translation>请重新安装该软件包。</translation>
    </message>
    <message>
        <source>Install the app again, or choose another model folder.</source>
        <translation>请重新安装本应用，或选择另一个模型文件夹。</translation>
    </message>
    <message>
        <source>Install the app&apos;s packages again.</source>
        <translation>请重新安装本应用的软件包。</translation>
    </message>
    <message>
        <source>It can answer, but show no map of where a word looked; PyTorch may.</source>
        <translation>它可以回答，但无法显示单词看了哪里；PyTorch 或许可以。</translation>
    </message>
    <message>
        <source>It doesn&apos;t know: {words}. Say it in other words, or choose an example.</source>
        <translation>它不认识：{words}。请换一种说法，或选择一个例子。</translation>
    </message>
    <message>
        <source>It may have been moved or renamed.</source>
        <translation>它可能已被移动或重命名。</translation>
    </message>
    <message>
        <source>Its heads can&apos;t be chosen.</source>
        <translation>无法选择它的注意力头。</translation>
    </message>
    <message>
        <source>Its tokenizer or chat template does not fit: choose another model.</source>
        <translation>它的分词器或对话模板不匹配：请选择另一个模型。</translation>
    </message>
    <message>
        <source>Known are: {known}.</source>
        <translation>已知的有：{known}。</translation>
    </message>
    <message>
        <source>Known here: {known}.</source>
        <translation>此处可用：{known}。</translation>
    </message>
    <message>
        <source>Leave --runtime out.</source>
        <translation>请去掉 --runtime。</translation>
    </message>
    <message>
        <source>Left out for length: the first {count} turns.</source>
        <translation>因长度所限，省略了最早的 {count} 轮对话。</translation>
    </message>
    <message>
        <source>Let it end, or start it again.</source>
        <translation>请等待下载完成，或重新开始下载。</translation>
    </message>
    <message>
        <source>Load the model, then ask again.</source>
        <translation>请先加载模型，再提问。</translation>
    </message>
    <message>
        <source>Look for a missing quote, bracket or equals sign.</source>
        <translation>请检查是否缺少引号、括号或等号。</translation>
    </message>
    <message>
        <source>Look whether it is on, has paper, and shows an error.</source>
        <translation>请检查它是否已开机、有纸、没有报错。</translation>
    </message>
    <message>
        <source>Make it smaller first.</source>
        <translation>请先把它缩小。</translation>
    </message>
    <message>
        <source>Make it smaller first: at most {limit} million pixels.</source>
        <translation>请先缩小图片：最多 {limit} 百万像素。</translation>
    </message>
    <message>
        <source>Make room in {folder}, or set HF_HOME to a folder on another disk.</source>
        <translation>请在 {folder} 腾出空间，或把 HF_HOME 设为另一磁盘上的文件夹。</translation>
    </message>
    <message>
        <source>Make room in {folder}, then start it again: what has arrived is kept.</source>
        <translation>请在 {folder} 腾出空间，然后重新开始：已下载的部分会保留。</translation>
    </message>
    <message>
        <source>Merge both into one model (PEFT&apos;s merge_and_unload), and choose that one&apos;s folder.</source>
        <translation>请用 PEFT 的 merge_and_unload 把两者合并成一个模型，再选择合并后的文件夹。</translation>
    </message>
    <message>
        <source>Models of the family {family} are not known here.</source>
        <translation>这里不认识 {family} 系列的模型。</translation>
    </message>
    <message>
        <source>Name a new folder for the export.</source>
        <translation>请为导出指定一个新文件夹。</translation>
    </message>
    <message>
        <source>No graph can be built for a decoder of type {kind}.</source>
        <translation>无法为 {kind} 类型的解码器构建图。</translation>
    </message>
    <message>
        <source>No graph can be built for a decoder whose heads are {width} wide.</source>
        <translation>无法为注意力头宽度为 {width} 的解码器构建图。</translation>
    </message>
    <message>
        <source>No model is loaded, so there is no answer.</source>
        <translation>没有加载模型，因此没有回答。</translation>
    </message>
    <message>
        <source>No runtime is left to try.</source>
        <translation>没有其他运行时可以尝试。</translation>
    </message>
    <message>
        <source>None of its heads (the parts that look) found a named thing better than by luck in {scenes} test pictures, so all of them are shown together.</source>
        <translation>在 {scenes} 张测试图里，没有一个注意力头（负责“看”的部分）比碰运气找得更准，所以把它们合在一起显示。</translation>
    </message>
    <message>
        <source>Nothing is said of what to draw.</source>
        <translation>还没有说要画什么。</translation>
    </message>
    <message>
        <source>ONNX Runtime broke while it ran the model ({reason}).</source>
        <translation>ONNX Runtime 在运行模型时出错（{reason}）。</translation>
    </message>
    <message>
        <source>ONNX Runtime can&apos;t be loaded ({reason}).</source>
        <translation>无法加载 ONNX Runtime（{reason}）。</translation>
    </message>
    <message>
        <source>ONNX Runtime can&apos;t load the model ({reason}).</source>
        <translation>ONNX Runtime 无法加载模型（{reason}）。</translation>
    </message>
    <message>
        <source>ONNX Runtime wants a multiple of {step}. PyTorch runs such a model from its folder.</source>
        <translation>ONNX Runtime 要求宽度是 {step} 的倍数。PyTorch 可以直接从文件夹运行这样的模型。</translation>
    </message>
    <message>
        <source>Only http and https addresses can be downloaded.</source>
        <translation>只能下载 http 和 https 地址。</translation>
    </message>
    <message>
        <source>Only the first of its {count} frames is used.</source>
        <translation>共 {count} 帧，只使用第一帧。</translation>
    </message>
    <message>
        <source>Only the first of its {count} pages is used.</source>
        <translation>共 {count} 页，只使用第一页。</translation>
    </message>
    <message>
        <source>Only the first {good} of its {count} frames can be read.</source>
        <translation>共 {count} 帧，只能读取前 {good} 帧。</translation>
    </message>
    <message>
        <source>Open it in another program and save it as a JPEG or PNG there.</source>
        <translation>请用其他软件打开它，并另存为 JPEG 或 PNG。</translation>
    </message>
    <message>
        <source>Open it in the program that it is for, and save it as a JPEG or PNG there.</source>
        <translation>请用对应的软件打开它，并另存为 JPEG 或 PNG。</translation>
    </message>
    <message>
        <source>Open only sessions that you know.</source>
        <translation>请只打开来源可靠的会话。</translation>
    </message>
    <message>
        <source>Open the file whose name has no “._” before it.</source>
        <translation>请打开文件名前没有“._”的那个文件。</translation>
    </message>
    <message>
        <source>Open the page in a browser, and save the picture itself.</source>
        <translation>请在浏览器中打开该网页，保存图片本身。</translation>
    </message>
    <message>
        <source>Open them here, with Ctrl+O.</source>
        <translation>请在这里按 Ctrl+O 打开它们。</translation>
    </message>
    <message>
        <source>Our own model around a pretrained language model: it understands more ways of asking, and takes longer to answer.</source>
        <translation>我们自己的模型，内含一个预训练语言模型：能听懂更多种问法，但回答较慢。</translation>
    </message>
    <message>
        <source>Our own smallest model, and the quickest. It ships with the program.</source>
        <translation>我们自己最小、最快的模型，随程序提供。</translation>
    </message>
    <message>
        <source>Paths are relative to the profile&apos;s folder.</source>
        <translation>路径相对于配置文件所在的文件夹。</translation>
    </message>
    <message>
        <source>Pipelines of the kind {kind} can&apos;t draw here.</source>
        <translation>{kind} 类型的流水线在这里不能画图。</translation>
    </message>
    <message>
        <source>Put the model&apos;s other files beside it, or download the whole model.</source>
        <translation>请把模型的其他文件放在旁边，或下载完整的模型。</translation>
    </message>
    <message>
        <source>PyTorch can&apos;t load the model: its settings give {name} as something that can&apos;t be used.</source>
        <translation>PyTorch 无法加载模型：设置中的 {name} 不可用。</translation>
    </message>
    <message>
        <source>Restore it there, then open it.</source>
        <translation>请先在回收站里还原它，再打开。</translation>
    </message>
    <message>
        <source>Rotary positions of the kind {kind} aren&apos;t known to the graph builder.</source>
        <translation>图构建器不认识 {kind} 类型的旋转位置编码。</translation>
    </message>
    <message>
        <source>Run git lfs pull in the model&apos;s folder, or download the model again.</source>
        <translation>请在模型文件夹中运行 git lfs pull，或重新下载模型。</translation>
    </message>
    <message>
        <source>Save a smaller version of it and open the file.</source>
        <translation>请保存较小的版本后打开文件。</translation>
    </message>
    <message>
        <source>Save it as a JPEG or PNG in another program, or install the full edition.</source>
        <translation>请用其他软件另存为 JPEG 或 PNG，或安装完整版。</translation>
    </message>
    <message>
        <source>Save the picture and open it.</source>
        <translation>请保存图片后再打开。</translation>
    </message>
    <message>
        <source>Save the picture in it as a file of its own.</source>
        <translation>请把其中的图片另存为单独的文件。</translation>
    </message>
    <message>
        <source>Say it shorter.</source>
        <translation>请说得短一些。</translation>
    </message>
    <message>
        <source>Say something else, or choose a card.</source>
        <translation>请换一种说法，或选一张卡片。</translation>
    </message>
    <message>
        <source>Settings, the list of recent sessions and what nobody saved are forgotten when it ends. Save what you want to keep.</source>
        <translation>关闭程序后，设置、最近会话列表和未保存的内容都不会保留。请自行保存需要的内容。</translation>
    </message>
    <message>
        <source>Shown are the {count} of its heads (the parts that look) that find a named thing best. Of {things} things in photos they found {found}; a place drawn by lot finds {chance}.</source>
        <translation>显示的是 {count} 个最会找东西的注意力头（负责“看”的部分）。照片里的 {things} 样东西，它们找到了 {found}；随便指一处只能找到 {chance}。</translation>
    </message>
    <message>
        <source>Shown are the {count} of its heads (the parts that look) that look at a named thing most. In {scenes} test pictures it got {shares} of their look; all places alike would give it {chance}.</source>
        <translation>显示的是 {count} 个最爱看所说东西的注意力头（负责“看”的部分）。在 {scenes} 张测试图里，这些东西得到了它们 {shares} 的目光；平均看的话只有 {chance}。</translation>
    </message>
    <message>
        <source>Something unexpected happened while the model was at work ({reason}).</source>
        <translation>模型工作时发生了意外情况（{reason}）。</translation>
    </message>
    <message>
        <source>Something went wrong while the model was at work: {reason}.</source>
        <translation>模型工作时出了问题：{reason}。</translation>
    </message>
    <message>
        <source>Start it again later: what has arrived is kept.</source>
        <translation>请稍后重新开始：已下载的部分会保留。</translation>
    </message>
    <message>
        <source>Start it again, and it goes on from there: what has arrived is kept.</source>
        <translation>请重新开始，会从中断处继续：已下载的部分会保留。</translation>
    </message>
    <message>
        <source>Start it again; the other files are kept.</source>
        <translation>请重新开始下载；其他文件会保留。</translation>
    </message>
    <message>
        <source>Start it with mmgpt-desktop --event.</source>
        <translation>请用 mmgpt-desktop --event 启动。</translation>
    </message>
    <message>
        <source>Take another model.</source>
        <translation>请选择另一个模型。</translation>
    </message>
    <message>
        <source>Take more with --steps.</source>
        <translation>用 --steps 指定更多步数。</translation>
    </message>
    <message>
        <source>Take two or more of Ctrl, Alt, Shift, Meta, then a letter or F1 to F12.</source>
        <translation>请使用 Ctrl、Alt、Shift、Meta 中的两个或以上，再加一个字母或 F1 到 F12。</translation>
    </message>
    <message>
        <source>That is too long: {count} tokens, and {most} is the most.</source>
        <translation>太长了：{count} 个词元，最多 {most} 个。</translation>
    </message>
    <message>
        <source>The animation {name} is too large: {width} x {height} pixels.</source>
        <translation>动画 {name} 太大：{width} x {height} 像素。</translation>
    </message>
    <message>
        <source>The animation {name} is too long: {total} frames, and {most} is the most.</source>
        <translation>动画 {name} 太长：共 {total} 帧，最多 {most} 帧。</translation>
    </message>
    <message>
        <source>The answer is empty, so there is nothing to save.</source>
        <translation>回答是空的，没有可保存的内容。</translation>
    </message>
    <message>
        <source>The answer was stopped.</source>
        <translation>回答已停止。</translation>
    </message>
    <message>
        <source>The app crashed {count} times in a row right after its start.</source>
        <translation>应用启动后立即崩溃，已连续 {count} 次。</translation>
    </message>
    <message>
        <source>The app said this by itself, so there is nothing of the model to save.</source>
        <translation>这句话是应用自己说的，没有模型的内容可以保存。</translation>
    </message>
    <message>
        <source>The clipboard holds no picture that can be read.</source>
        <translation>剪贴板中没有可读取的图片。</translation>
    </message>
    <message>
        <source>The connection to {host} broke off.</source>
        <translation>与 {host} 的连接中断。</translation>
    </message>
    <message>
        <source>The disk is full, so {name} could not be stored.</source>
        <translation>磁盘已满，无法保存 {name}。</translation>
    </message>
    <message>
        <source>The download of {name} has not ended: the model is not whole.</source>
        <translation>{name} 还没有下载完：模型不完整。</translation>
    </message>
    <message>
        <source>The export was ended from outside, most likely because the memory was full.</source>
        <translation>导出被外部终止，很可能是因为内存已满。</translation>
    </message>
    <message>
        <source>The file is cut short: about {percent} % of the picture is missing.</source>
        <translation>文件不完整：图片约有 {percent} % 缺失。</translation>
    </message>
    <message>
        <source>The file is cut short: the finest details of the picture are missing.</source>
        <translation>文件不完整：图片缺少最精细的细节。</translation>
    </message>
    <message>
        <source>The file {file} is damaged.</source>
        <translation>文件 {file} 已损坏。</translation>
    </message>
    <message>
        <source>The file {name} can&apos;t be written ({reason}).</source>
        <translation>无法写入文件 {name}（{reason}）。</translation>
    </message>
    <message>
        <source>The file {name} is empty.</source>
        <translation>文件 {name} 是空的。</translation>
    </message>
    <message>
        <source>The folder {path} can&apos;t be looked at ({reason}).</source>
        <translation>无法查看文件夹 {path}（{reason}）。</translation>
    </message>
    <message>
        <source>The folder {path} holds a data set or a program of the hub, and no model.</source>
        <translation>文件夹 {path} 中是数据集或 Hub 上的程序，不是模型。</translation>
    </message>
    <message>
        <source>The folder {path} holds a diffusers model, which makes pictures out of words.</source>
        <translation>文件夹 {path} 中是 diffusers 模型，它用文字生成图片。</translation>
    </message>
    <message>
        <source>The folder {path} holds a model for {program}, which can&apos;t be opened here.</source>
        <translation>文件夹 {path} 中是供 {program} 使用的模型，这里无法打开。</translation>
    </message>
    <message>
        <source>The folder {path} holds a model of the app&apos;s own kind, and no checkpoint.</source>
        <translation>文件夹 {path} 中是本程序自己的模型，不是公开模型的检查点。</translation>
    </message>
    <message>
        <source>The folder {path} holds a sentence-transformers model, which only compares texts.</source>
        <translation>文件夹 {path} 中是 sentence-transformers 模型，它只能比较文本。</translation>
    </message>
    <message>
        <source>The folder {path} holds no model that is unpacked, only {name}.</source>
        <translation>文件夹 {path} 中没有解压好的模型，只有 {name}。</translation>
    </message>
    <message>
        <source>The folder {path} holds no model: {config} is missing beside its weights ({name}).</source>
        <translation>文件夹 {path} 中没有完整的模型：权重（{name}）旁边缺少 {config}。</translation>
    </message>
    <message>
        <source>The folder {path} holds no model: {name} is missing.</source>
        <translation>文件夹 {path} 中没有模型：缺少 {name}。</translation>
    </message>
    <message>
        <source>The folder {path} holds several models: {names}.</source>
        <translation>文件夹 {path} 中有多个模型：{names}。</translation>
    </message>
    <message>
        <source>The folder {path} is empty: it holds no model.</source>
        <translation>文件夹 {path} 是空的，没有模型。</translation>
    </message>
    <message>
        <source>The folder {path} is not empty.</source>
        <translation>文件夹 {path} 不是空的。</translation>
    </message>
    <message>
        <source>The full edition has it. Pictures and animations open without it.</source>
        <translation>完整版带有它。没有它也能打开图片和动画。</translation>
    </message>
    <message>
        <source>The full edition has it: install it from the source, as the README says.</source>
        <translation>完整版带有它：请按 README 的说明从源代码安装。</translation>
    </message>
    <message>
        <source>The graphs could not be written: {reason}.</source>
        <translation>无法写入图：{reason}。</translation>
    </message>
    <message>
        <source>The head&apos;s map can be had with every model.</source>
        <translation>注意力头的热图适用于每个模型。</translation>
    </message>
    <message>
        <source>The image encoder could not be exported ({reason}).</source>
        <translation>图像编码器无法导出（{reason}）。</translation>
    </message>
    <message>
        <source>The installed PyTorch is for the processor alone, and not for graphics cards.</source>
        <translation>已安装的 PyTorch 只支持处理器，不支持显卡。</translation>
    </message>
    <message>
        <source>The language model of mmgpt-small is not installed: the package {name} is missing.</source>
        <translation>尚未安装 mmgpt-small 的语言模型：缺少软件包 {name}。</translation>
    </message>
    <message>
        <source>The likeliest token is the same in {same} of {steps} steps; {moved:.4f} of the probability and {shifted:.4f} of the attention moved.</source>
        <translation>{steps} 步中有 {same} 步最可能的词元相同；概率移动了 {moved:.4f}，注意力移动了 {shifted:.4f}。</translation>
    </message>
    <message>
        <source>The list of words that the painter knows is damaged.</source>
        <translation>画画模型的词表已损坏。</translation>
    </message>
    <message>
        <source>The model (of the family {family}) reads text alone: it can&apos;t look at pictures.</source>
        <translation>这个模型（{family} 系列）只能读文字，看不了图片。</translation>
    </message>
    <message>
        <source>The model can&apos;t be looked at: no process could be started ({reason}).</source>
        <translation>无法检查模型：无法启动进程（{reason}）。</translation>
    </message>
    <message>
        <source>The model could not be exported ({reason}).</source>
        <translation>模型无法导出（{reason}）。</translation>
    </message>
    <message>
        <source>The model does not read its words by cross-attention, so it can&apos;t draw here.</source>
        <translation>这个模型不用交叉注意力读取文字，因此在这里不能画图。</translation>
    </message>
    <message>
        <source>The model draws by more than words ({name}), which can&apos;t be given here.</source>
        <translation>这个模型画图时除了文字还需要别的输入（{name}），这里无法提供。</translation>
    </message>
    <message>
        <source>The model gave no attention for the composed pictures.</source>
        <translation>模型没有给出合成图片的注意力。</translation>
    </message>
    <message>
        <source>The model has no chat template, so it can&apos;t be asked.</source>
        <translation>模型没有对话模板，因此无法提问。</translation>
    </message>
    <message>
        <source>The model has no weights as safetensors, only {name}, which may run a stranger&apos;s code: it is never opened.</source>
        <translation>模型没有 safetensors 权重，只有 {name}；这种文件可能运行陌生人的代码，因此绝不打开。</translation>
    </message>
    <message>
        <source>The model has no weights as safetensors: {name} is missing.</source>
        <translation>模型没有 safetensors 格式的权重：缺少 {name}。</translation>
    </message>
    <message>
        <source>The model {name} can&apos;t draw.</source>
        <translation>模型 {name} 不会画图。</translation>
    </message>
    <message>
        <source>The model&apos;s arithmetic broke: it gave values that are no numbers.</source>
        <translation>模型的计算出错：给出的值不是数字。</translation>
    </message>
    <message>
        <source>The model&apos;s chat template can&apos;t be read ({reason}).</source>
        <translation>无法读取模型的对话模板（{reason}）。</translation>
    </message>
    <message>
        <source>The model&apos;s chat template does not come to an end.</source>
        <translation>模型的对话模板停不下来。</translation>
    </message>
    <message>
        <source>The model&apos;s chat template refuses this conversation ({reason}).</source>
        <translation>模型的对话模板拒绝了这段对话（{reason}）。</translation>
    </message>
    <message>
        <source>The model&apos;s chat template writes nothing for this question.</source>
        <translation>模型的对话模板对这个问题什么也没有写出。</translation>
    </message>
    <message>
        <source>The model&apos;s config.json doesn&apos;t fit together: {reason}</source>
        <translation>模型的 config.json 前后不一致：{reason}</translation>
    </message>
    <message>
        <source>The model&apos;s file {name} is cut short or too long: {size} bytes, not {expected}.</source>
        <translation>模型文件 {name} 不完整或过长：{size} 字节，应为 {expected}。</translation>
    </message>
    <message>
        <source>The model&apos;s file {name} is cut short.</source>
        <translation>模型文件 {name} 不完整。</translation>
    </message>
    <message>
        <source>The model&apos;s file {name} was changed: its checksum differs.</source>
        <translation>模型文件 {name} 被改动过：校验和不符。</translation>
    </message>
    <message>
        <source>The model&apos;s folder has no graph {name}.</source>
        <translation>模型文件夹中没有计算图 {name}。</translation>
    </message>
    <message>
        <source>The model&apos;s graph points to a file outside its folder: {name}.</source>
        <translation>模型的计算图指向其文件夹之外的文件：{name}。</translation>
    </message>
    <message>
        <source>The model&apos;s graph {graph} asks for {name}, which is not known here.</source>
        <translation>模型的计算图 {graph} 需要 {name}，而这里不认识它。</translation>
    </message>
    <message>
        <source>The model&apos;s graph {graph} takes numbers of a kind that is not known here: {kind}.</source>
        <translation>模型的计算图 {graph} 使用这里不认识的数值类型：{kind}。</translation>
    </message>
    <message>
        <source>The model&apos;s graph {name} is missing or damaged.</source>
        <translation>模型的计算图 {name} 缺失或已损坏。</translation>
    </message>
    <message>
        <source>The model&apos;s graphs don&apos;t give their attention.</source>
        <translation>模型的计算图不提供注意力。</translation>
    </message>
    <message>
        <source>The model&apos;s parts don&apos;t fit together: {reason}</source>
        <translation>模型的各部分互不匹配：{reason}</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer breaks on these words.</source>
        <translation>模型的分词器处理不了这些词。</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer has no token with which a picture begins.</source>
        <translation>模型的分词器里没有表示图片开头的词元。</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer has no token with which a text begins or ends.</source>
        <translation>模型的分词器里没有表示文本开头或结尾的词元。</translation>
    </message>
    <message>
        <source>The model&apos;s weights lack what draws; missing tensors: {count}, {name}.</source>
        <translation>模型的权重缺少画图的部分；缺少的张量：{count} 个，{name}。</translation>
    </message>
    <message>
        <source>The model&apos;s {part} is of a kind that is not known here ({kind}).</source>
        <translation>模型的 {part} 属于这里不认识的类型（{kind}）。</translation>
    </message>
    <message>
        <source>The package {name}, which has mmgpt-small&apos;s language model, is not whole.</source>
        <translation>含有 mmgpt-small 语言模型的软件包 {name} 不完整。</translation>
    </message>
    <message>
        <source>The painter knows words alone, and there are none.</source>
        <translation>画画模型只懂词语，而这里没有词。</translation>
    </message>
    <message>
        <source>The painter read only the beginning: {words}</source>
        <translation>绘画模型只读了开头：{words}</translation>
    </message>
    <message>
        <source>The painter was never taught these words: {words}</source>
        <translation>画画模型没学过这些词：{words}</translation>
    </message>
    <message>
        <source>The painter was never taught to draw this.</source>
        <translation>画画模型从没学过画这个。</translation>
    </message>
    <message>
        <source>The painter {name}, on which this one leans, is another one here.</source>
        <translation>它所依赖的画画模型 {name} 在这里不是同一个。</translation>
    </message>
    <message>
        <source>The weights of the model&apos;s {part} lie in several files, which can&apos;t be read here.</source>
        <translation>该模型的 {part} 权重分在多个文件里，这里无法读取。</translation>
    </message>
    <message>
        <source>These can: {known}.</source>
        <translation>可以画图的有：{known}。</translation>
    </message>
    <message>
        <source>This model draws with PyTorch alone.</source>
        <translation>这个模型只能用 PyTorch 画图。</translation>
    </message>
    <message>
        <source>This model draws with the library diffusers, which is not installed.</source>
        <translation>这个模型用 diffusers 库画图，而该库没有安装。</translation>
    </message>
    <message>
        <source>This model needs more steps.</source>
        <translation>这个模型需要更多步数。</translation>
    </message>
    <message>
        <source>Use other words, or choose another model.</source>
        <translation>请换一种说法，或选择另一个模型。</translation>
    </message>
    <message>
        <source>What reads the language model of mmgpt-small is missing: the package {name}.</source>
        <translation>缺少读取 mmgpt-small 语言模型所需的软件包 {name}。</translation>
    </message>
    <message>
        <source>`installer/run.sh prepare` fetches it where there is a network.</source>
        <translation>有网络时，运行 `installer/run.sh prepare` 即可获取。</translation>
    </message>
    <message>
        <source>`mmgpt-desktop prepare --anew` puts it together again.</source>
        <translation>运行 `mmgpt-desktop prepare --anew` 可重新组装它。</translation>
    </message>
    <message>
        <source>`mmgpt-desktop prepare` does it, in about a minute.</source>
        <translation>运行 `mmgpt-desktop prepare` 即可组装，大约需要一分钟。</translation>
    </message>
    <message>
        <source>it names a head that the model hasn&apos;t.</source>
        <translation>它指定了模型没有的注意力头。</translation>
    </message>
    <message>
        <source>it names a painter that lies elsewhere.</source>
        <translation>它指定了一个位于别处的画画模型。</translation>
    </message>
    <message>
        <source>it names no layer that tells of the words.</source>
        <translation>它没有指定任何提供词语信息的层。</translation>
    </message>
    <message>
        <source>mmgpt-small has not been put together on this computer yet.</source>
        <translation>mmgpt-small 尚未在这台电脑上组装。</translation>
    </message>
    <message>
        <source>mmgpt-small&apos;s own weights are not in this version of the app.</source>
        <translation>本应用的这个版本不含 mmgpt-small 自己的权重。</translation>
    </message>
    <message>
        <source>{key} needs prompts, or free = true.</source>
        <translation>{key} 需要 prompts，或 free = true。</translation>
    </message>
    <message>
        <source>{name}: picture {image:.2f} s, question {prefill:.0f} ms, {rate:.0f} tokens a second with attention.</source>
        <translation>{name}：图片 {image:.2f} 秒，问题 {prefill:.0f} 毫秒，含注意力每秒 {rate:.0f} 个词元。</translation>
    </message>
    <message>
        <source>{what} took over: {reason}</source>
        <translation>已改用 {what}：{reason}</translation>
    </message>
    <message>
        <source>The model&apos;s prompt has {found} image tokens, and its pictures need {expected}.</source>
        <translation>模型的提示中有 {found} 个图像词元，而图片需要 {expected} 个。</translation>
    </message>
    <message>
        <source>A newer version of the app may bring it, unless the card is older than the RTX 20.</source>
        <translation>新版本的应用可能会支持，除非显卡早于 RTX 20 系列。</translation>
    </message>
    <message>
        <source>A newer version of the app may bring it.</source>
        <translation>新版本的应用可能会支持。</translation>
    </message>
    <message>
        <source>CUDA has no graphics card to give ({library} error {code}).</source>
        <translation>CUDA 找不到可用的显卡（{library} 错误 {code}）。</translation>
    </message>
    <message>
        <source>Close other programs that use the card or choose a smaller model, then load again.</source>
        <translation>请关闭其他占用显卡的程序，或选择更小的模型，然后重新加载。</translation>
    </message>
    <message>
        <source>Close other programs that use the card, or choose a smaller model.</source>
        <translation>请关闭其他占用显卡的程序，或选择更小的模型。</translation>
    </message>
    <message>
        <source>Close other programs that use the card, or restart the computer.</source>
        <translation>请关闭其他占用显卡的程序，或重启电脑。</translation>
    </message>
    <message>
        <source>GeForce cards can be used from the GTX 16 and the RTX 20 on.</source>
        <translation>GeForce 显卡从 GTX 16 和 RTX 20 系列起可以使用。</translation>
    </message>
    <message>
        <source>Install NVIDIA&apos;s driver 580 or newer, then restart the computer.</source>
        <translation>请安装 580 或更新版本的 NVIDIA 驱动，然后重启电脑。</translation>
    </message>
    <message>
        <source>Install NVIDIA&apos;s driver {driver} or newer.</source>
        <translation>请安装 {driver} 或更新版本的 NVIDIA 驱动。</translation>
    </message>
    <message>
        <source>No NVIDIA graphics card was found.</source>
        <translation>没有找到 NVIDIA 显卡。</translation>
    </message>
    <message>
        <source>ONNX Runtime has no machine code for the graphics card {name} (compute capability {capability}).</source>
        <translation>ONNX Runtime 不含适用于显卡 {name} 的机器码（计算能力 {capability}）。</translation>
    </message>
    <message>
        <source>ONNX Runtime has no machine code for this graphics card.</source>
        <translation>ONNX Runtime 不含适用于这块显卡的机器码。</translation>
    </message>
    <message>
        <source>PyTorch can&apos;t use the graphics card ({reason}).</source>
        <translation>PyTorch 无法使用显卡（{reason}）。</translation>
    </message>
    <message>
        <source>PyTorch on the processor took over: {reason}</source>
        <translation>已改用处理器上的 PyTorch：{reason}</translation>
    </message>
    <message>
        <source>Restart the computer.</source>
        <translation>请重启电脑。</translation>
    </message>
    <message>
        <source>Restart the computer; if that doesn&apos;t help, install NVIDIA&apos;s driver again.</source>
        <translation>请重启电脑；如果没有用，请重新安装 NVIDIA 驱动。</translation>
    </message>
    <message>
        <source>Set the app up again, or run: pip install &quot;onnxruntime-gpu[cuda,cudnn]&quot;.</source>
        <translation>请重新安装本应用，或运行：pip install &quot;onnxruntime-gpu[cuda,cudnn]&quot;。</translation>
    </message>
    <message>
        <source>Start the app again to use the card; if it crashes again, install a newer driver.</source>
        <translation>请重新启动应用以使用显卡；如果再次崩溃，请安装更新的驱动。</translation>
    </message>
    <message>
        <source>Start the app again; if it fails again, install a newer driver.</source>
        <translation>请重新启动应用；如果再次失败，请安装更新的驱动。</translation>
    </message>
    <message>
        <source>The graphics card can&apos;t be used without NVIDIA&apos;s cuDNN.</source>
        <translation>缺少 NVIDIA 的 cuDNN，无法使用显卡。</translation>
    </message>
    <message>
        <source>The graphics card can&apos;t be used without NVIDIA&apos;s {libraries}.</source>
        <translation>缺少 NVIDIA 的 {libraries}，无法使用显卡。</translation>
    </message>
    <message>
        <source>The graphics card crashed at its work ({library} error {code}).</source>
        <translation>显卡在工作时崩溃了（{library} 错误 {code}）。</translation>
    </message>
    <message>
        <source>The graphics card failed ({library} error {code}).</source>
        <translation>显卡出错了（{library} 错误 {code}）。</translation>
    </message>
    <message>
        <source>The graphics card has not enough free memory.</source>
        <translation>显卡的空闲显存不足。</translation>
    </message>
    <message>
        <source>The graphics card has too little memory for this model, so the processor runs it: it needs about {needed} GB, and {free} GB are free.</source>
        <translation>显存不足，这个模型改由处理器运行：大约需要 {needed} GB，空闲 {free} GB。</translation>
    </message>
    <message>
        <source>The graphics card has too little memory for this model: it needs about {needed} GB, and {free} GB are free.</source>
        <translation>显存不足以运行这个模型：大约需要 {needed} GB，空闲 {free} GB。</translation>
    </message>
    <message>
        <source>The graphics card is hidden from programs by {variable}.</source>
        <translation>环境变量 {variable} 对程序隐藏了显卡。</translation>
    </message>
    <message>
        <source>The graphics card {name} is too old for ONNX Runtime (compute capability {capability}, and {wanted} is needed).</source>
        <translation>显卡 {name} 对 ONNX Runtime 来说太旧了（计算能力 {capability}，需要 {wanted}）。</translation>
    </message>
    <message>
        <source>The graphics card&apos;s driver doesn&apos;t start (CUDA error {code}).</source>
        <translation>显卡驱动无法启动（CUDA 错误 {code}）。</translation>
    </message>
    <message>
        <source>The graphics card&apos;s driver is too old for CUDA 13.</source>
        <translation>显卡驱动太旧，不支持 CUDA 13。</translation>
    </message>
    <message>
        <source>The graphics card&apos;s driver is too old: it knows CUDA {found}, not {wanted}.</source>
        <translation>显卡驱动太旧：它支持 CUDA {found}，而不是 {wanted}。</translation>
    </message>
    <message>
        <source>The graphics card&apos;s driver was updated, and the older one is still at work.</source>
        <translation>显卡驱动已更新，但旧驱动仍在运行。</translation>
    </message>
    <message>
        <source>The installed ONNX Runtime is for the processor alone.</source>
        <translation>已安装的 ONNX Runtime 只支持处理器。</translation>
    </message>
    <message>
        <source>The language model in the package {name} was changed: its checksum differs.</source>
        <translation>软件包 {name} 中的语言模型被改动过：校验和不符。</translation>
    </message>
    <message>
        <source>The model&apos;s settings give {name} as something that can&apos;t be used.</source>
        <translation>模型设置中的 {name} 不可用。</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer breaks on this question.</source>
        <translation>模型的分词器处理这个问题时出错。</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer can&apos;t be read.</source>
        <translation>无法读取模型的分词器。</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer does not come to an end with a short text.</source>
        <translation>模型的分词器连一小段文字也处理不完。</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer has no {token}, which stands for pictures.</source>
        <translation>模型的分词器没有代表图片的 {token}。</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer writes tokens that its weights don&apos;t have.</source>
        <translation>模型的分词器写出了其权重中没有的词元。</translation>
    </message>
    <message>
        <source>The model&apos;s weights are not whole; missing tensors: {count}, among them {name}.</source>
        <translation>模型的权重不完整；缺少 {count} 个张量，其中有 {name}。</translation>
    </message>
    <message>
        <source>The model&apos;s weights are stored in fewer bits ({kind}), which can&apos;t be opened here.</source>
        <translation>模型的权重是压缩存储的（{kind}），这里无法打开。</translation>
    </message>
    <message>
        <source>The model&apos;s weights are stored in {bits} bits each ({kind}), which can&apos;t be opened here.</source>
        <translation>模型的每个权重只用 {bits} 位存储（{kind}），这里无法打开。</translation>
    </message>
    <message>
        <source>The model&apos;s {graph} does not say the size of {name}.</source>
        <translation>模型的 {graph} 没有说明 {name} 的大小。</translation>
    </message>
    <message>
        <source>The model&apos;s {graph} gives {found} tokens for a photo, and not {expected}.</source>
        <translation>模型的 {graph} 为一张照片给出 {found} 个词元，而不是 {expected} 个。</translation>
    </message>
    <message>
        <source>The model&apos;s {graph} is of an older kind: it can&apos;t score a whole answer.</source>
        <translation>模型的 {graph} 是较旧的类型：无法为整个回答计分。</translation>
    </message>
    <message>
        <source>The model&apos;s {graph} keeps what it has read in a way that is not known here.</source>
        <translation>模型的 {graph} 保存已读内容（缓存）的方式，本程序不认识。</translation>
    </message>
    <message>
        <source>The model&apos;s {graph} lacks {name}.</source>
        <translation>模型的 {graph} 缺少 {name}。</translation>
    </message>
    <message>
        <source>The model&apos;s {graph} reads {name}, which its manifest doesn&apos;t list.</source>
        <translation>模型的 {graph} 要读取 {name}，但清单中没有列出它。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} can&apos;t be read ({reason}).</source>
        <translation>无法读取模型的 {name}（{reason}）。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} does not say how many heads it has.</source>
        <translation>模型的 {name} 没有说明它有多少个注意力头。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} does not say its model_type.</source>
        <translation>模型的 {name} 没有说明 model_type。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is a GGUF file, for llama.cpp, whatever its name says.</source>
        <translation>模型的 {name} 其实是供 llama.cpp 使用的 GGUF 文件，与它的名字不符。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is a web page and not the file itself.</source>
        <translation>模型的 {name} 是一个网页，而不是文件本身。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is damaged.</source>
        <translation>模型的 {name} 已损坏。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is damaged: it is no safetensors file.</source>
        <translation>模型的 {name} 已损坏：它不是 safetensors 文件。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is far too large.</source>
        <translation>模型的 {name} 过大。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is missing, which says how it wants its pictures.</source>
        <translation>缺少模型的 {name}，它说明图片该如何处理。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is missing.</source>
        <translation>缺少模型的 {name}。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is not JSON.</source>
        <translation>模型的 {name} 不是 JSON。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is not a JSON object.</source>
        <translation>模型的 {name} 不是 JSON 对象。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is not here yet: the file is only a Git LFS pointer to it.</source>
        <translation>模型的 {name} 还不在这里：该文件只是指向它的 Git LFS 指针。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} is not text.</source>
        <translation>模型的 {name} 不是文本。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} may run a stranger&apos;s code (it is a pickle): it is never opened.</source>
        <translation>模型的 {name} 是 pickle 文件，可能运行陌生人的代码，因此绝不打开。</translation>
    </message>
    <message>
        <source>The model&apos;s {name} names files outside its folder.</source>
        <translation>模型的 {name} 指向其文件夹之外的文件。</translation>
    </message>
    <message>
        <source>The numbers of a head can be shown for the app&apos;s own models only.</source>
        <translation>只有本应用自带的模型才能显示注意力头的数值。</translation>
    </message>
    <message>
        <source>The numbers would go to {name}, and that is another file already.</source>
        <translation>数值本应写入 {name}，但那里已有另一个文件。</translation>
    </message>
    <message>
        <source>The other program keeps its files to itself, so they can&apos;t be dropped here.</source>
        <translation>另一个程序不让别的程序读取它的文件，所以不能拖到这里。</translation>
    </message>
    <message>
        <source>The page for visitors&apos; phones can&apos;t be opened at {address}, port {port} ({reason}).</source>
        <translation>无法在 {address} 端口 {port} 打开供访客手机使用的页面（{reason}）。</translation>
    </message>
    <message>
        <source>The picture could not be downloaded: {reason}.</source>
        <translation>无法下载图片：{reason}。</translation>
    </message>
    <message>
        <source>The picture is larger than {limit} MB, so it was not downloaded.</source>
        <translation>图片大于 {limit} MB，因此没有下载。</translation>
    </message>
    <message>
        <source>The picture is larger than {limit} MB, so it was not opened.</source>
        <translation>图片超过 {limit} MB，没有打开。</translation>
    </message>
    <message>
        <source>The picture {name} is damaged or cut short.</source>
        <translation>图片 {name} 已损坏或不完整。</translation>
    </message>
    <message>
        <source>The picture {name} is of a rare kind of {kind} that can&apos;t be opened here.</source>
        <translation>图片 {name} 属于一种少见的 {kind} 格式，这里无法打开。</translation>
    </message>
    <message>
        <source>The picture {name} is of the kind {kind}, and what reads those isn&apos;t installed here.</source>
        <translation>图片 {name} 是 {kind} 格式，这里没有安装读取它的组件。</translation>
    </message>
    <message>
        <source>The picture {name} is too large for this computer&apos;s memory.</source>
        <translation>图片 {name} 太大，这台电脑的内存不够。</translation>
    </message>
    <message>
        <source>The picture {name} is too large: {width} x {height} pixels.</source>
        <translation>图片 {name} 太大：{width} x {height} 像素。</translation>
    </message>
    <message>
        <source>The printer {name} takes nothing now.</source>
        <translation>打印机 {name} 现在不接受任务。</translation>
    </message>
    <message>
        <source>The processor answers quicker here than the graphics card ({processor} tokens a second against {card}).</source>
        <translation>在这台电脑上，处理器比显卡回答得更快（每秒 {processor} 个词元，显卡为 {card} 个）。</translation>
    </message>
    <message>
        <source>The profile {name} can&apos;t be read ({reason}).</source>
        <translation>无法读取配置文件 {name}（{reason}）。</translation>
    </message>
    <message>
        <source>The question and its pictures are too long: {tokens} tokens, and this model reads {limit}.</source>
        <translation>问题和图片太长：{tokens} 个词元，而这个模型最多读取 {limit} 个。</translation>
    </message>
    <message>
        <source>The question is empty.</source>
        <translation>问题是空的。</translation>
    </message>
    <message>
        <source>The question is too long: {tokens} tokens, and this model reads {limit}.</source>
        <translation>问题太长：{tokens} 个词元，而这个模型最多读取 {limit} 个。</translation>
    </message>
    <message>
        <source>The session is too large to be saved.</source>
        <translation>会话太大，无法保存。</translation>
    </message>
    <message>
        <source>The session {name} is damaged or cut short.</source>
        <translation>会话 {name} 已损坏或不完整。</translation>
    </message>
    <message>
        <source>The session {name} is too large for this computer&apos;s memory.</source>
        <translation>会话 {name} 太大，本机内存不够。</translation>
    </message>
    <message>
        <source>The session {name} was saved by a newer version of this program.</source>
        <translation>会话 {name} 由更新版本的程序保存。</translation>
    </message>
    <message>
        <source>The session {name} would fill the memory when it is unpacked.</source>
        <translation>会话 {name} 解压后会占满内存。</translation>
    </message>
    <message>
        <source>The settings of this model ({family}) are damaged or don&apos;t fit together.</source>
        <translation>这个模型（{family}）的设置已损坏或互相矛盾。</translation>
    </message>
    <message>
        <source>The show can&apos;t be started.</source>
        <translation>无法开始展示。</translation>
    </message>
    <message>
        <source>The system says: {reason}.</source>
        <translation>系统提示：{reason}。</translation>
    </message>
    <message>
        <source>The video {name} is damaged, or of a kind that can&apos;t be read.</source>
        <translation>视频 {name} 已损坏，或是无法读取的类型。</translation>
    </message>
    <message>
        <source>The video {name} is too large for this computer&apos;s memory.</source>
        <translation>视频 {name} 太大，此计算机的内存不够。</translation>
    </message>
    <message>
        <source>The video {name} is too long or too large.</source>
        <translation>视频 {name} 太长或太大。</translation>
    </message>
    <message>
        <source>The window can&apos;t be opened ({reason}).</source>
        <translation>无法打开窗口（{reason}）。</translation>
    </message>
    <message>
        <source>The {kind} picture {name} is damaged, or of a kind that can&apos;t be opened.</source>
        <translation>{kind} 图片 {name} 已损坏，或属于无法打开的类型。</translation>
    </message>
    <message>
        <source>The {kind} picture {name} was changed on its way, as if it were a text.</source>
        <translation>{kind} 图片 {name} 在传输途中被当作文本改动了。</translation>
    </message>
    <message>
        <source>There are no moving pictures in {name}.</source>
        <translation>{name} 中没有动态画面。</translation>
    </message>
    <message>
        <source>There is a folder {path} already.</source>
        <translation>文件夹 {path} 已存在。</translation>
    </message>
    <message>
        <source>There is no file {name}.</source>
        <translation>没有文件 {name}。</translation>
    </message>
    <message>
        <source>There is no language model that is known among the weights.</source>
        <translation>权重中没有已知的语言模型。</translation>
    </message>
    <message>
        <source>There is no map of this answer yet.</source>
        <translation>这个回答还没有热图。</translation>
    </message>
    <message>
        <source>There is no model folder {path}.</source>
        <translation>没有模型文件夹 {path}。</translation>
    </message>
    <message>
        <source>There is no model folder {path}: it is a single file.</source>
        <translation>{path} 不是模型文件夹，而是单个文件。</translation>
    </message>
    <message>
        <source>There is no picture to take.</source>
        <translation>没有可用的图片。</translation>
    </message>
    <message>
        <source>There is not enough memory for this model: it needs about {needed} GB, and {free} GB are free.</source>
        <translation>内存不足以运行这个模型：它大约需要 {needed} GB，而可用内存为 {free} GB。</translation>
    </message>
    <message>
        <source>There is not enough memory to answer.</source>
        <translation>内存不足，无法回答。</translation>
    </message>
    <message>
        <source>These are: {known}.</source>
        <translation>认识的有：{known}。</translation>
    </message>
    <message>
        <source>These graphs read the prompt in order only, where the model reads pictures both ways: answers may differ from PyTorch&apos;s.</source>
        <translation>这些计算图只能按顺序读取提示，而该模型对图片是双向读取的：回答可能与 PyTorch 的不同。</translation>
    </message>
    <message>
        <source>This LLaVA model looks through {encoder}, which is not known here.</source>
        <translation>这个 LLaVA 模型使用 {encoder} 观察图片，而这里不认识它。</translation>
    </message>
    <message>
        <source>This answer was given without a picture, so there is nothing to explain.</source>
        <translation>这个回答没有用到图片，因此没有可解释的内容。</translation>
    </message>
    <message>
        <source>This answer was written without a picture, so there is no map to save.</source>
        <translation>这个回答没有使用图片，因此没有可保存的热图。</translation>
    </message>
    <message>
        <source>This computer doesn&apos;t have the address {address} now.</source>
        <translation>这台电脑现在没有地址 {address}。</translation>
    </message>
    <message>
        <source>This computer has no printer.</source>
        <translation>这台电脑没有打印机。</translation>
    </message>
    <message>
        <source>This computer is in no local network, so a phone can&apos;t fetch the card.</source>
        <translation>这台电脑不在任何局域网中，手机无法取得卡片。</translation>
    </message>
    <message>
        <source>This file is not a picture that can be opened: {name}.</source>
        <translation>这个文件不是可以打开的图片：{name}。</translation>
    </message>
    <message>
        <source>This model can&apos;t read a picture that is more than {times} times as long as wide.</source>
        <translation>这个模型无法读取长度超过宽度 {times} 倍的图片。</translation>
    </message>
    <message>
        <source>This model has no fusion called {name}.</source>
        <translation>此模型没有名为 {name} 的融合方式。</translation>
    </message>
    <message>
        <source>This model was made for a newer version of MMGPT Desktop.</source>
        <translation>这个模型是为更新版本的 MMGPT Desktop 制作的。</translation>
    </message>
    <message>
        <source>This model was made for an older version of MMGPT Desktop.</source>
        <translation>此模型是为旧版 MMGPT Desktop 制作的。</translation>
    </message>
    <message>
        <source>This model&apos;s decoder doesn&apos;t give its attention ({reason}).</source>
        <translation>这个模型的解码器不提供注意力（{reason}）。</translation>
    </message>
    <message>
        <source>This needs PyTorch, which this light edition of the app doesn&apos;t carry.</source>
        <translation>这需要 PyTorch，而此轻量版应用不带它。</translation>
    </message>
    <message>
        <source>This picture can&apos;t be taken out of its page.</source>
        <translation>无法从网页中取出这张图片。</translation>
    </message>
    <message>
        <source>This program can&apos;t write its own files ({reason}).</source>
        <translation>程序无法写入自己的文件（{reason}）。</translation>
    </message>
    <message>
        <source>This version of MMGPT Desktop can&apos;t run models of the family {family}.</source>
        <translation>这个版本的 MMGPT Desktop 无法运行 {family} 系列的模型。</translation>
    </message>
    <message>
        <source>This way of explaining is worked out for the app&apos;s own models only.</source>
        <translation>这种解释方式只适用于本应用自带的模型。</translation>
    </message>
    <message>
        <source>This way of explaining needs a model whose decoder reads the picture as tokens.</source>
        <translation>这种解释方式需要解码器把图片当作词元来读取的模型。</translation>
    </message>
    <message>
        <source>Those with these are: {known}.</source>
        <translation>认识的有：{known}。</translation>
    </message>
    <message>
        <source>Try again later.</source>
        <translation>请稍后重试。</translation>
    </message>
    <message>
        <source>Try again; if it happens again, copy the details and report them.</source>
        <translation>请重试；如果再次发生，请复制详细信息并报告。</translation>
    </message>
    <message>
        <source>Type a question first.</source>
        <translation>请先输入问题。</translation>
    </message>
    <message>
        <source>Unpack it, and open the picture in it.</source>
        <translation>请先解压，再打开里面的图片。</translation>
    </message>
    <message>
        <source>Unpack it, then choose the folder that it gives.</source>
        <translation>请先解压，再选择解压出来的文件夹。</translation>
    </message>
    <message>
        <source>Unset it and start the program again, or add a model&apos;s folder.</source>
        <translation>请取消该设置并重新启动程序，或添加模型文件夹。</translation>
    </message>
    <message>
        <source>Unset this variable of the environment.</source>
        <translation>请取消设置这个环境变量。</translation>
    </message>
    <message>
        <source>Update MMGPT Desktop, then open it again.</source>
        <translation>请更新 MMGPT Desktop，然后再打开。</translation>
    </message>
    <message>
        <source>Update the app, or choose another model folder.</source>
        <translation>请更新本应用，或选择另一个模型文件夹。</translation>
    </message>
    <message>
        <source>Update the app.</source>
        <translation>请更新本应用。</translation>
    </message>
    <message>
        <source>Use PyTorch, or export the graphs again.</source>
        <translation>请使用 PyTorch，或重新导出计算图。</translation>
    </message>
    <message>
        <source>Use PyTorch.</source>
        <translation>请使用 PyTorch。</translation>
    </message>
    <message>
        <source>Use a JPEG, PNG, WebP, HEIC, GIF, BMP, TIFF or AVIF file.</source>
        <translation>请使用 JPEG、PNG、WebP、HEIC、GIF、BMP、TIFF 或 AVIF 文件。</translation>
    </message>
    <message>
        <source>it chooses a head that the model has not.</source>
        <translation>它选择了模型没有的注意力头。</translation>
    </message>
    <message>
        <source>it does not list {name}.</source>
        <translation>它没有列出 {name}。</translation>
    </message>
    <message>
        <source>its fusion is none of its fusions.</source>
        <translation>它的默认融合方式不在其融合方式之中。</translation>
    </message>
    <message>
        <source>nothing is called {key} here.</source>
        <translation>此处没有名为 {key} 的项。</translation>
    </message>
    <message>
        <source>the model has no fusion called {name}.</source>
        <translation>该模型没有名为 {name} 的融合方式。</translation>
    </message>
    <message>
        <source>there is no file {path} for {key}.</source>
        <translation>{key} 指向的文件 {path} 不存在。</translation>
    </message>
    <message>
        <source>there is no folder {path} for {key}.</source>
        <translation>{key} 所需的文件夹 {path} 不存在。</translation>
    </message>
    <message>
        <source>this question is longer than question_chars, {most}.</source>
        <translation>这个问题超过了 question_chars 规定的 {most} 个字符。</translation>
    </message>
    <message>
        <source>{file}, line {line}: {mistake}</source>
        <translation>{file} 第 {line} 行：{mistake}</translation>
    </message>
    <message>
        <source>{name} only stands for a picture that was not downloaded (Git LFS).</source>
        <translation>{name} 只是图片的占位文件，图片还没有下载（Git LFS）。</translation>
    </message>
    <message>
        <source>Use another runtime.</source>
        <translation>请使用另一个运行时。</translation>
    </message>
    <message>
        <source>The folder {path} holds an adapter ({kind}) for {base}, and not the whole model.</source>
        <translation>文件夹 {path} 中只是 {base} 的适配器（{kind}），不是完整的模型。</translation>
    </message>
    <message>
        <source>The model&apos;s manifest.json can&apos;t be used: {mistake}</source>
        <translation>模型的 manifest.json 无法使用：{mistake}</translation>
    </message>
    <message>
        <source>Videos can&apos;t be read here: the package av is missing.</source>
        <translation>这里无法读取视频：缺少 av 软件包。</translation>
    </message>
    <message>
        <source>Wait until it is measured.</source>
        <translation>请等到测量完成。</translation>
    </message>
    <message>
        <source>Wait until that has ended.</source>
        <translation>请等它结束。</translation>
    </message>
    <message>
        <source>Weights in other forms may run code of strangers, so they are never opened.</source>
        <translation>其他格式的权重可能会运行陌生人的代码，因此从不打开。</translation>
    </message>
    <message>
        <source>With PyTorch the model works as it is.</source>
        <translation>用 PyTorch 时该模型可直接使用。</translation>
    </message>
    <message>
        <source>You have no permission to read {name}.</source>
        <translation>您没有读取 {name} 的权限。</translation>
    </message>
    <message>
        <source>`mmgpt-desktop doctor` says what is missing; `mmgpt-desktop ask` needs no window.</source>
        <translation>运行 `mmgpt-desktop doctor` 可查看缺少什么；`mmgpt-desktop ask` 不需要窗口。</translation>
    </message>
    <message>
        <source>`mmgpt-desktop event-check` with this profile says what fails.</source>
        <translation>用此配置文件运行 `mmgpt-desktop event-check` 可查看问题所在。</translation>
    </message>
    <message>
        <source>`mmgpt-desktop event-pin` asks for the PIN and prints it.</source>
        <translation>`mmgpt-desktop event-pin` 会询问 PIN 并输出这一行。</translation>
    </message>
    <message>
        <source>{file} of {name} arrived damaged: its checksum is wrong.</source>
        <translation>{name} 的 {file} 下载后已损坏：校验和不符。</translation>
    </message>
    <message>
        <source>{file}, line {line}: this is not TOML ({reason}).</source>
        <translation>{file} 第 {line} 行：不是有效的 TOML（{reason}）。</translation>
    </message>
    <message>
        <source>{host} asks to wait for {seconds} seconds: there were too many downloads from here.</source>
        <translation>{host} 要求等待 {seconds} 秒：从这里下载的次数过多。</translation>
    </message>
    <message>
        <source>{host} asks to wait: there were too many downloads from here.</source>
        <translation>{host} 要求等待：从这里下载的次数过多。</translation>
    </message>
    <message>
        <source>{host} can&apos;t answer just now ({status}).</source>
        <translation>{host} 暂时无法响应（{status}）。</translation>
    </message>
    <message>
        <source>{host} can&apos;t be reached: there is no network, or something blocks it.</source>
        <translation>无法连接 {host}：没有网络，或连接被阻止。</translation>
    </message>
    <message>
        <source>{host} has no model {repository}, or does not show it to everybody.</source>
        <translation>{host} 上没有模型 {repository}，或未对所有人公开。</translation>
    </message>
    <message>
        <source>{host} refused the download ({status}): the access token is wrong, or is not enough.</source>
        <translation>{host} 拒绝了下载（{status}）：访问令牌有误或权限不足。</translation>
    </message>
    <message>
        <source>{host} sent something that is not what was asked for: {reason}.</source>
        <translation>{host} 返回的内容不符合请求：{reason}。</translation>
    </message>
    <message>
        <source>{key} has too many entries; {most} is the most.</source>
        <translation>{key} 的项目太多，最多 {most} 个。</translation>
    </message>
    <message>
        <source>{key} holds no model that can be opened: {reason}</source>
        <translation>{key} 中没有可以打开的模型：{reason}</translation>
    </message>
    <message>
        <source>{key} is missing.</source>
        <translation>缺少 {key}。</translation>
    </message>
    <message>
        <source>{key} is no array of this file.</source>
        <translation>{key} 不是此文件中的数组。</translation>
    </message>
    <message>
        <source>{key} is none of the photos.</source>
        <translation>{key} 不是其中的任何一张照片。</translation>
    </message>
    <message>
        <source>{key} must be 0 or from 1024 to 65535.</source>
        <translation>{key} 必须为 0，或在 1024 到 65535 之间。</translation>
    </message>
    <message>
        <source>{key} must be a colour such as #1f6feb.</source>
        <translation>{key} 必须是颜色，例如 #1f6feb。</translation>
    </message>
    <message>
        <source>{key} must be a file, and {path} is a folder.</source>
        <translation>{key} 必须是文件，而 {path} 是文件夹。</translation>
    </message>
    <message>
        <source>{key} must be a list in square brackets.</source>
        <translation>{key} 必须是方括号中的列表。</translation>
    </message>
    <message>
        <source>{key} must be a list of {count}.</source>
        <translation>{key} 必须是有 {count} 项的列表。</translation>
    </message>
    <message>
        <source>{key} must be a note as this program writes it.</source>
        <translation>{key} 必须是本程序写下的说明。</translation>
    </message>
    <message>
        <source>{key} must be a number.</source>
        <translation>{key} 必须是数。</translation>
    </message>
    <message>
        <source>{key} must be a shorter text.</source>
        <translation>{key} 的文本必须更短。</translation>
    </message>
    <message>
        <source>{key} must be a smaller number.</source>
        <translation>{key} 必须是更小的数。</translation>
    </message>
    <message>
        <source>{key} must be a table with keys of its own.</source>
        <translation>{key} 必须是有自己的键的表。</translation>
    </message>
    <message>
        <source>{key} must be a whole line that begins with $scrypt$.</source>
        <translation>{key} 必须是以 $scrypt$ 开头的完整一行。</translation>
    </message>
    <message>
        <source>{key} must be a whole number.</source>
        <translation>{key} 必须是整数。</translation>
    </message>
    <message>
        <source>{key} must be above 0.</source>
        <translation>{key} 必须大于 0。</translation>
    </message>
    <message>
        <source>{key} must be an address that begins with https://.</source>
        <translation>{key} 必须是以 https:// 开头的网址。</translation>
    </message>
    <message>
        <source>{key} must be from {low:g} to {high:g}.</source>
        <translation>{key} 必须在 {low:g} 到 {high:g} 之间。</translation>
    </message>
    <message>
        <source>{key} must be keys such as Ctrl+Alt+Q.</source>
        <translation>{key} 必须是组合键，例如 Ctrl+Alt+Q。</translation>
    </message>
    <message>
        <source>{key} must be one line of text in quotes.</source>
        <translation>{key} 必须是引号中的一行文本。</translation>
    </message>
    <message>
        <source>{key} must be one of a local network, such as 192.168.7.1.</source>
        <translation>{key} 必须是局域网地址，例如 192.168.7.1。</translation>
    </message>
    <message>
        <source>{key} must be one of these: {known}.</source>
        <translation>{key} 必须是以下之一：{known}。</translation>
    </message>
    <message>
        <source>{key} must be text in quotes.</source>
        <translation>{key} 必须是引号中的文本。</translation>
    </message>
    <message>
        <source>{key} must be true or false.</source>
        <translation>{key} 必须是 true 或 false。</translation>
    </message>
    <message>
        <source>{key} must have at most {most} characters.</source>
        <translation>{key} 最多 {most} 个字符。</translation>
    </message>
    <message>
        <source>{key} must name a file that ends in {suffixes}.</source>
        <translation>{key} 必须是以 {suffixes} 结尾的文件。</translation>
    </message>
    <message>
        <source>{key} needs a file beside it, which says where to.</source>
        <translation>{key} 还需要 file 来指明写到哪里。</translation>
    </message>
    <message>
        <source>{model} doesn&apos;t understand the language of this question.</source>
        <translation>{model} 看不懂这个问题的语言。</translation>
    </message>
    <message>
        <source>{model} only understands English.</source>
        <translation>{model} 只看得懂英语。</translation>
    </message>
    <message>
        <source>{name} can&apos;t be read.</source>
        <translation>无法读取 {name}。</translation>
    </message>
    <message>
        <source>{name} could not be deleted: {reason}.</source>
        <translation>无法删除 {name}：{reason}。</translation>
    </message>
    <message>
        <source>{name} could not be stored in {folder}: {reason}.</source>
        <translation>无法把 {name} 保存到 {folder}：{reason}。</translation>
    </message>
    <message>
        <source>{name} holds only zeros: it was not copied or downloaded whole.</source>
        <translation>{name} 里全是零：没有完整复制或下载。</translation>
    </message>
    <message>
        <source>{name} holds text, not a picture.</source>
        <translation>{name} 里是文字，不是图片。</translation>
    </message>
    <message>
        <source>{name} is a RAW photo of a camera ({kind}), which can&apos;t be opened here.</source>
        <translation>{name} 是相机的 RAW 照片（{kind}），这里无法打开。</translation>
    </message>
    <message>
        <source>{name} is a data set of the hub, and no model.</source>
        <translation>{name} 是 Hub 上的数据集，不是模型。</translation>
    </message>
    <message>
        <source>{name} is a document ({kind}), not a picture.</source>
        <translation>{name} 是文档（{kind}），不是图片。</translation>
    </message>
    <message>
        <source>{name} is a folder, not a picture.</source>
        <translation>{name} 是文件夹，不是图片。</translation>
    </message>
    <message>
        <source>{name} is a model for {program}, which can&apos;t be opened here.</source>
        <translation>{name} 是供 {program} 使用的模型，这里无法打开。</translation>
    </message>
    <message>
        <source>{name} is a note that a Mac left beside a file, not the picture.</source>
        <translation>{name} 是 Mac 在文件旁留下的附属信息，不是图片本身。</translation>
    </message>
    <message>
        <source>{name} is a packed file, and a model is a folder.</source>
        <translation>{name} 是压缩包，而模型应是文件夹。</translation>
    </message>
    <message>
        <source>{name} is a program of the hub (a Space), and no model.</source>
        <translation>{name} 是 Hub 上的程序（Space），不是模型。</translation>
    </message>
    <message>
        <source>{name} is a program, not a picture.</source>
        <translation>{name} 是程序，不是图片。</translation>
    </message>
    <message>
        <source>{name} is a sound, not a picture.</source>
        <translation>{name} 是声音文件，不是图片。</translation>
    </message>
    <message>
        <source>{name} is a web page, not a picture.</source>
        <translation>{name} 是网页，不是图片。</translation>
    </message>
    <message>
        <source>{name} is an archive ({kind}), not a picture.</source>
        <translation>{name} 是压缩包（{kind}），不是图片。</translation>
    </message>
    <message>
        <source>{name} is being downloaded by another window already.</source>
        <translation>另一个窗口正在下载 {name}。</translation>
    </message>
    <message>
        <source>{name} is handed out only to people who accepted its owner&apos;s terms.</source>
        <translation>{name} 只提供给已同意其所有者条款的人。</translation>
    </message>
    <message>
        <source>{name} is in the trash.</source>
        <translation>{name} 在回收站里。</translation>
    </message>
    <message>
        <source>{name} is no file.</source>
        <translation>{name} 不是文件。</translation>
    </message>
    <message>
        <source>{name} is no session of this program.</source>
        <translation>{name} 不是本程序的会话。</translation>
    </message>
    <message>
        <source>{name} is not an ordinary file.</source>
        <translation>{name} 不是普通文件。</translation>
    </message>
    <message>
        <source>{name} is not on this computer, and can&apos;t be opened from where it is.</source>
        <translation>{name} 不在这台电脑上，无法直接打开。</translation>
    </message>
    <message>
        <source>{name} is of the kind {kind}, which is not a picture that can be opened here.</source>
        <translation>{name} 是 {kind} 文件，不是这里能打开的图片。</translation>
    </message>
    <message>
        <source>{name} may run a stranger&apos;s code when it is opened, so it never is.</source>
        <translation>打开 {name} 可能会运行陌生人的代码，因此绝不打开。</translation>
    </message>
    <message>
        <source>{name} needs {needed} more on the disk, and {free} are free.</source>
        <translation>{name} 还需要 {needed} 磁盘空间，目前可用 {free}。</translation>
    </message>
</context>
<context>
    <name>fusions</name>
    <message>
        <source>Graph</source>
        <translation>图</translation>
    </message>
    <message>
        <source>The picture is cut into small squares. First those that are neighbours or look alike tell each other what they see; then the text reads them.</source>
        <translation>图片被切成小方块。相邻或相似的小方块先互相说说各自看到了什么，然后文字再来读它们。</translation>
    </message>
    <message>
        <source>The model reads the text, and in between it does nothing but look at the picture.</source>
        <translation>模型读文字，中间有几步专门只看图片。</translation>
    </message>
    <message>
        <source>The picture is cut into small squares, which stand before the text like words; the model reads both together.</source>
        <translation>图片被切成小方块，像词一样排在文字前面，模型把两者一起读。</translation>
    </message>
    <message>
        <source>Cross-attention</source>
        <translation>交叉注意力</translation>
    </message>
    <message>
        <source>Concatenation</source>
        <translation>拼接</translation>
    </message>
</context>
<context>
    <name>lacks</name>
    <message>
        <source>needs the full edition</source>
        <translation>需要完整版</translation>
    </message>
    <message>
        <source>not with {fusion}</source>
        <translation>{fusion} 不支持</translation>
    </message>
    <message>
        <source>not with this model</source>
        <translation>这个模型不支持</translation>
    </message>
</context>
<context>
    <name>progress</name>
    <message>
        <source>Checking the model&apos;s files</source>
        <translation>正在检查模型文件</translation>
    </message>
    <message>
        <source>Comparing with PyTorch</source>
        <translation>正在与 PyTorch 比较</translation>
    </message>
    <message>
        <source>Exporting the image encoder</source>
        <translation>正在导出图像编码器</translation>
    </message>
    <message>
        <source>Exporting the language model</source>
        <translation>正在导出语言模型</translation>
    </message>
    <message>
        <source>Looking which heads tell most</source>
        <translation>正在查看哪些注意力头最能说明问题</translation>
    </message>
    <message>
        <source>Starting the model</source>
        <translation>正在启动模型</translation>
    </message>
    <message>
        <source>Writing the manifest</source>
        <translation>正在写清单</translation>
    </message>
</context>
<context>
    <name>questions</name>
    <message>
        <source>What is this?</source>
        <translation>这是什么？</translation>
    </message>
    <message>
        <source>What is happening here?</source>
        <translation>这里在发生什么？</translation>
    </message>
    <message>
        <source>Describe this picture.</source>
        <translation>描述这张图片</translation>
    </message>
</context>
<context>
    <name>references</name>
    <message>
        <source>[picture {number}]</source>
        <translation>[图片 {number}]</translation>
    </message>
</context>
<context>
    <name>samples</name>
    <message>
        <source>A cup of coffee</source>
        <translation>一杯咖啡</translation>
    </message>
    <message>
        <source>A dahlia</source>
        <translation>一朵大丽花</translation>
    </message>
    <message>
        <source>A rocket before its launch</source>
        <translation>发射前的火箭</translation>
    </message>
    <message>
        <source>A temple above a lake</source>
        <translation>湖边的寺庙</translation>
    </message>
    <message>
        <source>Astronaut Eileen Collins</source>
        <translation>宇航员艾琳·柯林斯</translation>
    </message>
    <message>
        <source>Chelsea the cat</source>
        <translation>小猫切尔西</translation>
    </message>
</context>
<context>
    <name>sentences</name>
    <message>
        <source>April</source>
        <translation>4月</translation>
    </message>
    <message>
        <source>Attention</source>
        <translation>注意力</translation>
    </message>
    <message>
        <source>Attention without sinks</source>
        <translation>去除汇点的注意力</translation>
    </message>
    <message>
        <source>Attention, all heads</source>
        <translation>注意力，所有头</translation>
    </message>
    <message>
        <source>August</source>
        <translation>8月</translation>
    </message>
    <message>
        <source>Certainty</source>
        <translation>把握</translation>
    </message>
    <message>
        <source>December</source>
        <translation>12月</translation>
    </message>
    <message>
        <source>Drawing</source>
        <translation>绘制</translation>
    </message>
    <message>
        <source>February</source>
        <translation>2月</translation>
    </message>
    <message>
        <source>Fusion</source>
        <translation>融合方式</translation>
    </message>
    <message>
        <source>Heads</source>
        <translation>注意力头</translation>
    </message>
    <message>
        <source>How this was made</source>
        <translation>制作说明</translation>
    </message>
    <message>
        <source>I&apos;m not sure, perhaps:</source>
        <translation>我不确定，也许：</translation>
    </message>
    <message>
        <source>All words share one scale.</source>
        <translation>所有的词共用一个色标。</translation>
    </message>
    <message>
        <source>Bright: places that would bring up the word all by themselves.</source>
        <translation>亮：单凭这个地方，就会让模型想到这个词。</translation>
    </message>
    <message>
        <source>Bright: where it looked more than it usually looks at this photo.</source>
        <translation>亮：比平时看这张照片时看得更多的地方。</translation>
    </message>
    <message>
        <source>Bright: where it looked, followed back through all of its steps.</source>
        <translation>亮：沿着它的每一步往回找，最后看到的地方。</translation>
    </message>
    <message>
        <source>Bright: where it looked, without places that glow for nearly every word.</source>
        <translation>亮：它看的地方，去掉几乎每个词都会发亮的位置。</translation>
    </message>
    <message>
        <source>Bright: where looking harder would have changed the word most.</source>
        <translation>亮：在这里多看一眼，最能改变这个词。</translation>
    </message>
    <message>
        <source>Bright: where the model looked while it wrote the word, with all of its parts.</source>
        <translation>亮：模型写这个词时，它的各个部分一起看的地方。</translation>
    </message>
    <message>
        <source>Bright: where the model looked while it wrote the word.</source>
        <translation>亮：模型写这个词时看的地方。</translation>
    </message>
    <message>
        <source>Choose a word to go to its map.</source>
        <translation>点一个词，查看它的图。</translation>
    </message>
    <message>
        <source>Colours: {what}, from {low} to {high}.</source>
        <translation>颜色：{what}，从 {low} 到 {high}。</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详细</translation>
    </message>
    <message>
        <source>Each map has its own scale.</source>
        <translation>每张图有自己的色标。</translation>
    </message>
    <message>
        <source>For “{name}”, squares of the photo are blurred one at a time: first large ones, then smaller ones where much was lost. What each costs the word (in logarithms of its probability) adds up; below 0 the word became likelier.</source>
        <translation>“{name}”：把照片一块一块地变模糊，先是大块，再在影响大的地方用小块。每一块让这个词失去的（概率的对数）加在一起；低于 0 表示这个词反而更可能出现。</translation>
    </message>
    <message>
        <source>How sure: {parts}.</source>
        <translation>有多大把握：{parts}。</translation>
    </message>
    <message>
        <source>It needs the picture, but the bright places hardly more than others.</source>
        <translation>这个词要看图片才知道，不过亮的地方并不比别处更重要。</translation>
    </message>
    <message>
        <source>January</source>
        <translation>1月</translation>
    </message>
    <message>
        <source>July</source>
        <translation>7月</translation>
    </message>
    <message>
        <source>June</source>
        <translation>6月</translation>
    </message>
    <message>
        <source>Line under a word: the bright places mattered. Dashed line: a little. No line: hardly, or not measured yet.</source>
        <translation>词下有实线：亮的地方很重要。虚线：有一点重要。没有线：几乎不重要，或者还没有测量。</translation>
    </message>
    <message>
        <source>March</source>
        <translation>3月</translation>
    </message>
    <message>
        <source>May</source>
        <translation>5月</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>No word of this answer was tested.</source>
        <translation>这个回答里没有词被测试过。</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>November</source>
        <translation>11月</translation>
    </message>
    <message>
        <source>Occlusion</source>
        <translation>遮挡</translation>
    </message>
    <message>
        <source>Places of the photo are hidden in turn. Bright: without it, the model is less sure of the word.</source>
        <translation>依次遮住照片的各个地方。亮：遮住它，模型对这个词就没那么有把握。</translation>
    </message>
    <message>
        <source>The bright places mattered a little more than others.</source>
        <translation>亮的地方比别处重要一点。</translation>
    </message>
    <message>
        <source>The bright places mattered: without them the word is far less sure.</source>
        <translation>亮的地方很重要：遮住它们，这个词就没把握多了。</translation>
    </message>
    <message>
        <source>The sentence follows from that. The bright places mattered where hiding them costs the word a third of its chance more than hiding places drawn by lot, and mattered a little from a sixth on; but no more than hiding the whole photo costs. Else the word needs the picture where hiding all of it costs a sixth, and comes from language where that costs less.</source>
        <translation>那句话由此得出：遮住亮的地方，如果比随机遮住多失去三分之一以上的把握，就说亮的地方很重要；六分之一以上，就说有一点重要；但都不超过遮住整张照片时失去的把握。否则，遮住整张照片会失去六分之一以上，就说这个词要看图片；失去得更少，就说这个词不看图片也会说出来。</translation>
    </message>
    <message>
        <source>This word would come without the picture, too.</source>
        <translation>就算不看图片，也会说出这个词。</translation>
    </message>
    <message>
        <source>To test a word, the brightest fifth of its map is hidden in the photo, and the model is asked how sure it is now. The same is done with as many places drawn by lot (several times; the mean counts), with the middle, and with the whole photo.</source>
        <translation>测试一个词时，先遮住照片里最亮的五分之一，看模型现在还有多大把握；再随机遮住同样多的地方（几次，取平均）、中间的地方和整张照片，各测一遍。</translation>
    </message>
    <message>
        <source>random places hidden</source>
        <translation>随便遮几处</translation>
    </message>
    <message>
        <source>times as much as usual</source>
        <translation>是平时的几倍</translation>
    </message>
    <message>
        <source>weakest</source>
        <translation>最弱</translation>
    </message>
    <message>
        <source>what hiding it costs</source>
        <translation>遮住它的代价</translation>
    </message>
    <message>
        <source>whole photo hidden</source>
        <translation>遮住整张照片</translation>
    </message>
    <message>
        <source>{checked} of {words} words were tested.</source>
        <translation>{words} 个词中测试了 {checked} 个。</translation>
    </message>
    <message>
        <source>{method}: the whole answer</source>
        <translation>{method}：整个回答</translation>
    </message>
    <message>
        <source>{percent} sure</source>
        <translation>{percent} 的把握</translation>
    </message>
    <message>
        <source>October</source>
        <translation>10月</translation>
    </message>
    <message>
        <source>A guess: the model can&apos;t tell this.</source>
        <translation>只是猜测：模型无法判断这一点。</translation>
    </message>
    <message>
        <source>More than a few, perhaps:</source>
        <translation>不止几个，也许是：</translation>
    </message>
    <message>
        <source>Photo</source>
        <translation>照片</translation>
    </message>
    <message>
        <source>Relative attention</source>
        <translation>相对注意力</translation>
    </message>
    <message>
        <source>Relevancy</source>
        <translation>相关性</translation>
    </message>
    <message>
        <source>Rollout</source>
        <translation>注意力展开</translation>
    </message>
    <message>
        <source>Runtime</source>
        <translation>运行环境</translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation>采样</translation>
    </message>
    <message>
        <source>September</source>
        <translation>9月</translation>
    </message>
    <message>
        <source>The app says this by itself; the model was not asked.</source>
        <translation>这句话是应用自己说的，没有问模型。</translation>
    </message>
    <message>
        <source>The model counts to five; beyond that it guesses.</source>
        <translation>模型只数得到五，再多就是猜测。</translation>
    </message>
    <message>
        <source>The photo, {name}</source>
        <translation>照片，{name}</translation>
    </message>
    <message>
        <source>Token activation</source>
        <translation>词元激活</translation>
    </message>
    <message>
        <source>What {model} needed to write it. It can be wrong.</source>
        <translation>{model} 写下这些词所需要的地方。它可能会出错。</translation>
    </message>
    <message>
        <source>Where {model} looked as it wrote. It can be wrong.</source>
        <translation>{model} 写下这些词时看的地方。它可能会出错。</translation>
    </message>
    <message>
        <source>Written by</source>
        <translation>生成程序</translation>
    </message>
    <message>
        <source>all {count}</source>
        <translation>全部 {count} 个</translation>
    </message>
    <message>
        <source>bright places hidden</source>
        <translation>遮住亮的地方</translation>
    </message>
    <message>
        <source>contours</source>
        <translation>等值线</translation>
    </message>
    <message>
        <source>each cell even</source>
        <translation>每格均匀</translation>
    </message>
    <message>
        <source>en</source>
        <translation>zh-CN</translation>
    </message>
    <message>
        <source>greedy</source>
        <translation>贪心</translation>
    </message>
    <message>
        <source>how much of its look</source>
        <translation>看了多少</translation>
    </message>
    <message>
        <source>layer {layer} head {head}</source>
        <translation>第 {layer} 层第 {head} 头</translation>
    </message>
    <message>
        <source>looked least</source>
        <translation>看得最少</translation>
    </message>
    <message>
        <source>looked most</source>
        <translation>看得最多</translation>
    </message>
    <message>
        <source>mattered least</source>
        <translation>最不重要</translation>
    </message>
    <message>
        <source>mattered most</source>
        <translation>最重要</translation>
    </message>
    <message>
        <source>middle hidden</source>
        <translation>遮住中间</translation>
    </message>
    <message>
        <source>needed most</source>
        <translation>最需要</translation>
    </message>
    <message>
        <source>not measured</source>
        <translation>未测量</translation>
    </message>
    <message>
        <source>not needed</source>
        <translation>不需要</translation>
    </message>
    <message>
        <source>nothing hidden</source>
        <translation>什么都不遮</translation>
    </message>
    <message>
        <source>opacity {percent}</source>
        <translation>不透明度 {percent}</translation>
    </message>
    <message>
        <source>repetition penalty {penalty}, at most {count} tokens</source>
        <translation>重复惩罚 {penalty}，最多 {count} 个词元</translation>
    </message>
    <message>
        <source>smooth</source>
        <translation>平滑</translation>
    </message>
    <message>
        <source>strength</source>
        <translation>强度</translation>
    </message>
    <message>
        <source>strongest</source>
        <translation>最强</translation>
    </message>
    <message>
        <source>temperature {temperature}, top-p {top_p}, top-k {top_k}, seed {seed}</source>
        <translation>温度 {temperature}，top-p {top_p}，top-k {top_k}，种子 {seed}</translation>
    </message>
    <message>
        <source>the likeliest of {count} answers followed</source>
        <translation>跟踪 {count} 个回答，取最可能的</translation>
    </message>
    <message>
        <source>the whole answer</source>
        <translation>整个回答</translation>
    </message>
    <message>
        <source>{day} {month} {year}</source>
        <translation>{year}年{month}{day}日</translation>
    </message>
    <message>
        <source>{method} of “{word}”</source>
        <translation>“{word}”的{method}</translation>
    </message>
    <message>
        <source>{one} {two}</source>
        <translation>{one}{two}</translation>
    </message>
    <message>
        <source>{one}, {two}</source>
        <translation>{one}，{two}</translation>
    </message>
    <message>
        <source>{one}. {two}</source>
        <translation>{one}。{two}</translation>
    </message>
    <message>
        <source>{rows} × {columns} cells</source>
        <translation>{rows} × {columns} 个单元格</translation>
    </message>
    <message>
        <source>{width} × {height} pixels</source>
        <translation>{width} × {height} 像素</translation>
    </message>
</context>
<context>
    <name>taught</name>
    <message>
        <source>flowers</source>
        <translation>花</translation>
    </message>
    <message>
        <source>clothes</source>
        <translation>衣服</translation>
    </message>
    <message>
        <source>things</source>
        <translation>物品</translation>
    </message>
    <message>
        <source>fruit and vegetables</source>
        <translation>水果和蔬菜</translation>
    </message>
    <message>
        <source>dogs</source>
        <translation>狗</translation>
    </message>
</context>
</TS>

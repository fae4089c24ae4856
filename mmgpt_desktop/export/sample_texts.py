"""Plain English that decoders are led along when their precisions are compared."""

from __future__ import annotations

CALIBRATION = (
    "A brown dog lies on a blue blanket beside an open window. The light falls on its back, and"
    " one of its ears is folded over. Somebody has left a cup of tea on the sill, half full, and a"
    " newspaper that nobody seems to have read.",
    "To plant a young tree, dig a hole that is twice as wide as its roots and no deeper than they"
    " are tall. Set the tree upright, fill the hole with the soil that you took out, and press it"
    " down gently with your foot. Water it well on the first day and every week after that.",
    "Question: What colour is the bus in the picture? Answer: The bus is red, with a white roof"
    " and a yellow number above the driver's window. Question: How many people are waiting?"
    " Answer: Three people are waiting, and one of them holds an umbrella.",
    "The river Danube rises in the Black Forest and flows through ten countries before it reaches"
    " the Black Sea. For many centuries it was a border of the Roman Empire, and ships still carry"
    " grain, coal and timber along it from one capital to the next.",
    "When the kettle began to whistle, Martha put down her book and listened. The house was quiet"
    " again, but she was sure that she had heard a knock at the back door. Nobody ever came that"
    " way in winter, because the path was steep and covered with ice.",
    "A function returns a value to the place from which it was called. In Python its body is"
    " indented, and a return statement ends it at once: def area(width, height): return width *"
    " height. Without a return statement the value is None.",
)

MEASURED = (
    "Two children are building a castle of sand on the beach. The smaller one carries water in a"
    " green bucket, while the other digs a ditch around the walls with both hands. Behind them the"
    " sea is calm, and a white sailing boat can be seen near the horizon.",
    "Water boils at a lower temperature in the mountains than at the coast, because the pressure"
    " of the air is lower there. At the top of Mount Everest it boils at about seventy degrees, so"
    " potatoes take much longer to cook, however high the flame is.",
    "Question: What is happening in this photo? Answer: A man in a dark coat is crossing the"
    " street with a bicycle. It has been raining, and the lights of the shops are reflected on the"
    " road. Question: Is anybody sitting in the car? Answer: No, the car beside him is empty.",
    "The library opens at nine in the morning and closes at six in the evening from Monday to"
    " Friday. On Saturdays it is open until noon. Books may be borrowed for three weeks, and if"
    " nobody else has asked for them they can be renewed twice by telephone.",
    "The old clockmaker took the watch apart and laid its wheels on a piece of cloth, one after"
    " the other, in the order in which he had found them. It was not broken, he said at last, it"
    " had only been forgotten, and dust had done the rest.",
    "Photosynthesis is the process by which plants turn light into chemical energy. Their leaves"
    " take in carbon dioxide from the air and water from the soil, and with the energy of the sun"
    " they make sugar and give off oxygen, which animals need to breathe.",
    "First wash the apples, peel them and cut them into thin slices. Mix the flour with the butter"
    " and the sugar until it looks like crumbs. Put the apples into a dish, cover them with the"
    " crumbs and bake everything for half an hour, until the top is golden brown.",
    "The first train left the station at a quarter past five, almost empty. A woman with a large"
    " suitcase sat by the window and looked at the fields, where the snow was beginning to melt."
    " She had not slept, and she had not told anyone where she was going.",
    "A computer stores numbers as sequences of bits, each of which is either zero or one. With"
    " eight bits it can count from zero to two hundred and fifty-five. To store a fraction it"
    " splits the bits into three parts: a sign, an exponent and a mantissa.",
    "On the kitchen table there are a loaf of bread, a knife with a wooden handle and a bowl of"
    " cherries. The wall behind the table is painted yellow. A grey cat sits on the chair to the"
    " left and looks straight at the camera, as if it had been told to keep still.",
    "In 1969 two astronauts walked on the surface of the Moon for the first time, while a third"
    " stayed in orbit above them. They collected more than twenty kilograms of rock, set up"
    " several instruments and returned to the Earth four days later.",
    "Dear Mr. Brown, thank you for your letter of the third of May. I am sorry to hear that the"
    " lamp arrived in pieces. We will send you a new one this week at our own cost, and you do not"
    " need to return the broken one. With kind regards, Anna Schmidt.",
)

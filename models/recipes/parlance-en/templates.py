"""Hand-written sentence templates: everyday talk, numbers and times, names and spellings, one to three word answers."""

import re


def listed(text):
    return text.split("|")


ONES = listed(
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen"
)
TENS = listed("||twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety")
ORDINALS = listed(
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|"
    "sixteenth|seventeenth|eighteenth|nineteenth|twentieth|twenty first|twenty second|twenty third|twenty fourth|"
    "twenty fifth|twenty sixth|twenty seventh|twenty eighth|twenty ninth|thirtieth|thirty first"
)
FIRST_NAMES = listed(
    "James|Mary|John|Patricia|Robert|Jennifer|Michael|Linda|William|Elizabeth|David|Barbara|Richard|Susan|Joseph|Jessica|"
    "Thomas|Sarah|Charles|Karen|Daniel|Nancy|Matthew|Lisa|Anthony|Betty|Mark|Margaret|Paul|Sandra|Steven|Ashley|Andrew|"
    "Emily|Kenneth|Donna|Joshua|Michelle|Kevin|Carol|Brian|Amanda|George|Melissa|Edward|Deborah|Ronald|Stephanie|Timothy|"
    "Rebecca|Jason|Laura|Jeffrey|Sharon|Ryan|Cynthia|Jacob|Kathleen|Gary|Amy|Nicholas|Angela|Eric|Shirley|Jonathan|Anna|"
    "Stephen|Brenda|Larry|Pamela|Justin|Emma|Scott|Nicole|Brandon|Helen|Benjamin|Samantha|Samuel|Katherine|Gregory|"
    "Christine|Frank|Rachel|Alexander|Carolyn|Raymond|Janet|Patrick|Catherine|Jack|Maria|Dennis|Heather|Jerry|Diane|Tyler|"
    "Ruth|Aaron|Julie|Jose|Olivia|Adam|Joyce|Nathan|Virginia|Henry|Victoria|Peter|Kelly|Simon|Alice|Oliver|Sophie|Tom|Kate"
)
LAST_NAMES = listed(
    "Smith|Johnson|Williams|Brown|Jones|Garcia|Miller|Davis|Rodriguez|Martinez|Hernandez|Lopez|Wilson|Anderson|Thomas|"
    "Taylor|Moore|Jackson|Martin|Lee|Perez|Thompson|White|Harris|Sanchez|Clark|Ramirez|Lewis|Robinson|Walker|Young|Allen|"
    "King|Wright|Scott|Torres|Hill|Flores|Green|Adams|Nelson|Baker|Hall|Rivera|Campbell|Mitchell|Carter|Roberts|Turner|"
    "Phillips|Parker|Evans|Edwards|Collins|Stewart|Morris|Murphy|Cook|Rogers|Morgan|Peterson|Cooper|Reed|Bailey|Bell|"
    "Kelly|Howard|Ward|Cox|Richardson|Wood|Watson|Brooks|Bennett|Gray|Hughes|Price|Foster|Sanders|Ross|Morales|Powell|"
    "Sullivan|Russell|Ortiz|Jenkins|Perry|Butler|Barnes|Fisher|Henderson|Coleman|Simmons|Patterson|Jordan|Reynolds"
)
CITIES = listed(
    "London|New York|Paris|Berlin|Chicago|Boston|Rome|Madrid|Tokyo|Moscow|Sydney|Toronto|Dublin|Edinburgh|Manchester|"
    "Los Angeles|San Francisco|Seattle|Denver|Houston|Dallas|Atlanta|Miami|Washington|Philadelphia|Detroit|Vienna|Prague|"
    "Amsterdam|Brussels|Stockholm|Oslo|Copenhagen|Athens|Cairo|Jerusalem|Singapore|Hong Kong|Beijing|Shanghai|Mexico City|"
    "Montreal|Vancouver|Melbourne|Cape Town|Munich|Hamburg|Zurich|Geneva|Milan|Venice|Warsaw|Budapest|Lisbon|Barcelona"
)
COUNTRIES = listed(
    "England|Scotland|Ireland|France|Germany|Italy|Spain|Portugal|Russia|China|Japan|India|Canada|Mexico|Brazil|Argentina|"
    "Australia|Egypt|Israel|Turkey|Greece|Poland|Sweden|Norway|Denmark|Finland|Holland|Belgium|Austria|Switzerland|"
    "America|the United States|the United Kingdom|New Zealand|South Africa|Kenya|Nigeria|Pakistan|Vietnam|Korea|Chile|Peru"
)
PLACES = listed(
    "the station|the airport|the office|school|the park|the kitchen|the supermarket|the library|the hospital|the hotel|"
    "the beach|the city|my house|the garden|the bank|the restaurant|the museum|the post office|church|the theater|town|"
    "the university|the bridge|the river|the mountains|the market|the bakery|the pharmacy|the cinema|the gym|the bus stop|"
    "the police station|the corner|the village|the harbor|the stadium|the factory|the farm|the swimming pool|the playground"
)
THINGS = listed(
    "a cup of coffee|the newspaper|some milk|a new phone|the red car|an umbrella|the tickets|a good book|some fresh bread|"
    "the keys|a sandwich|my glasses|the blue shirt|a bicycle|the letter|two bottles of water|a camera|the music|the lights|"
    "a present|the computer|the radio|the window|the door|dinner|breakfast|lunch|a movie|the dishes|the report|a glass of "
    "water|the old chair|a pair of shoes|the green jacket|some cheese|a piece of cake|the yellow flowers|your passport|the "
    "map|a map of the city|the bill|the contract|the package|our suitcases|a birthday card|the heavy box|a long letter|the "
    "garden tools|an apple|the printer|a knife and a fork|the wooden table|the last page|his wallet|her purse|the medicine|"
    "a towel|the remote control|the kitchen table|a big dog|the small cat|the ball|a ladder|the photographs|some paper"
)
WHEN = listed(
    "today|tomorrow|yesterday|this morning|tonight|next week|on Monday|on Tuesday|on Wednesday|on Thursday|on Friday|on "
    "Saturday|on Sunday|in the afternoon|at noon|last night|in an hour|right now|every day|next month|in January|in "
    "February|in March|in April|in May|in June|in July|in August|in September|in October|in November|in December|last year|"
    "a week ago|two days ago|as soon as possible|before dinner|after school|at midnight|this weekend|in the evening|soon|"
    "later|again|once a week|for a long time|since last summer|until tomorrow|the day after tomorrow|in a few minutes"
)
HOW = listed(
    "happy|tired|hungry|late|busy|beautiful|terrible|wonderful|cold|warm|expensive|cheap|difficult|easy|interesting|boring|"
    "quiet|loud|important|dangerous|funny|strange|ready|sick|angry|sorry|afraid|sure|glad|nice|clean|dirty|empty|full|"
    "bright|dark|heavy|light|slow|fast|young|old|new|broken|perfect|possible|impossible|famous|free|closed|open|true|wrong|"
    "right|better|worse|lucky|proud|alone|different|serious|simple|strong|weak|thirsty|surprised|worried|comfortable"
)
DO = listed(
    "buy|see|find|bring|take|get|look at|think about|talk about|sell|pay for|forget|clean|fix|move|keep|use|need|want|like|"
    "show me|send me|wait for|borrow|carry|check|choose|copy|draw|drop|finish|give me|hide|hold|leave|lose|make|open|order|"
    "pick up|put away|put down|return|save|share|start|throw away|touch|try|wash|wear|write down|ask for|listen to|pass me"
)
DID = listed(
    "bought|saw|found|brought|took|got|looked at|forgot|cleaned|fixed|moved|kept|used|needed|wanted|lost|broke|sold|"
    "borrowed|carried|checked|chose|dropped|finished|gave away|left|made|opened|ordered|picked up|put away|returned|saved|"
    "shared|started|threw away|tried|washed|wore|wrote down|asked for|listened to|paid for|showed us|heard about|forgot"
)
WHO = listed(
    "he|she|I|we|they|you|my mother|my father|my brother|my sister|the teacher|the doctor|the man|the woman|the children|our "
    "neighbor|my wife|my husband|his friend|her daughter|their son|the driver|the waiter|the manager|the old man|a stranger|"
    "nobody|everybody|someone|the students|the police|my boss|the nurse|the lawyer|the captain|the girl|the boy|the farmer"
)
ASK = listed(
    "can you|could you|will you|would you|please|do you want to|did you|why did you|when will you|how do you|where can I|"
    "shall we|let's|don't|you should|I'd like to|I'm going to|I can't|we'll|she won't|you must not|we have to|they want to|"
    "he tried to|I forgot to|remember to|is it possible to|do I have to|I was about to|who is going to|you'd better"
)
TOPIC = listed(
    "the weather|the food|the movie|the water|the house|the story|the dog|the cat|his voice|her dress|the road|the question|"
    "the baby|the party|the soup|the game|the coffee|the meeting|the room|the train|the music|the answer|the war|the law|"
    "life|time|money|work|the world|the future|the problem|the idea|the plan|the project|the book|the news|the sky|the sea"
)
GREET = listed(
    "hello|good morning|good evening|hi|thank you|excuse me|goodbye|yes|no|okay|well|listen|sorry|of course|good night|"
    "good afternoon|thanks|please|oh|wait|sure|right|welcome|hey"
)
SMALL_TALK = listed(
    "how are you|nice to meet you|I'm fine|see you later|where have you been|what's your name|can you help me|I don't "
    "understand|that's all right|I love you|please sit down|come in|what do you think|I think so|you're welcome|have a nice "
    "day|take care|what happened|who is there|are you ready|what time is it|how much does it cost|I don't know|it doesn't "
    "matter|that's a good idea|I'm not sure|let me know|it's up to you|what's going on|I'll be right back|never mind|don't "
    "worry about it|could you say that again|I'll think about it|you can't be serious|that sounds great|how was your day|"
    "what do you do for a living|I haven't seen you for ages|it's getting late|we should go home|give me a minute|keep the "
    "change|make yourself at home|do you speak English|I would like to pay|the check please|where is the bathroom|call the "
    "police|I feel much better now|it's none of your business|as far as I know|that depends|long time no see|not at all"
)
DEVICE = listed(
    "the lights|the door|the window|the music|the timer|the alarm|the volume|the message|the file|the next song|the list|"
    "the camera|the heating|the screen|the television|the radio|the fan|the printer|the first page|the new folder|the map|"
    "the calendar|the email|the phone|the recording|the window blinds|the garage|the oven|the engine|the meeting"
)
COMMAND = listed(
    "turn on|turn off|open|close|start|stop|play|pause|show|hide|increase|decrease|delete|save|send|call|search for|read|"
    "write|go to|set|switch on|switch off|lock|unlock|mute|move|copy|print|cancel|repeat|skip|add|remove|check|find|resume"
)
WHERE = listed("in the kitchen|in the bedroom|in the living room|upstairs|downstairs|outside|at home|in the office|at work")
UNIT = listed(
    "dollars|people|minutes|days|books|miles|percent|years|euros|apples|degrees|times|points|kilometers|pages|hours|weeks|"
    "months|pounds|cents|seconds|meters|feet|inches|students|houses|cars|tickets|votes|soldiers|gallons|grams|liters|items"
)
LINK = listed("because|but|and|so|although|when|while|if|before|after|until|unless|since|as soon as|even though")


def number(n, rng):
    """English words of 0 <= n < 10**9, with or without "and"."""
    if n < 20:
        return ONES[n]
    if n < 100:
        return (TENS[n // 10] + " " + (ONES[n % 10] if n % 10 else "")).strip()
    for unit, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if n >= unit:
            rest = n % unit
            joint = " and " if unit == 100 and rng.random() < 0.5 else " "
            return number(n // unit, rng) + " " + name + (joint + number(rest, rng) if rest else "")


def any_number(rng):
    return number(rng.randrange(rng.choice([13, 21, 100, 100, 1000, 2100, 10_000, 1_000_000])), rng)


def year(rng):
    """A year as it is read aloud: nineteen eighty four, two thousand and six, twenty twenty."""
    value = rng.randrange(1100, 2060)
    if 2000 <= value < 2010 or value % 1000 == 0:
        return number(value, rng)
    if value % 100 == 0:
        return number(value // 100, rng) + " hundred"
    if value % 100 < 10:
        return number(value // 100, rng) + " oh " + ONES[value % 100]
    return number(value // 100, rng) + " " + number(value % 100, rng)


def clock(rng):
    hour = number(rng.randrange(1, 13), rng)
    past = ["o'clock", "thirty", "fifteen", "forty five", "twenty", "ten", "fifty", "oh five", number(rng.randrange(10, 60), rng)]
    said = [
        f"{hour} {rng.choice(past)}",
        f"{rng.choice(['half past', 'a quarter past', 'a quarter to', 'ten past', 'five to', 'twenty to'])} {hour}",
    ]
    return rng.choice(said) + rng.choice(["", "", " in the morning", " in the evening", " in the afternoon", " at night"])


def date(rng):
    month = rng.choice("January February March April May June July August September October November December".split())
    day = rng.choice(ORDINALS)
    return rng.choice([f"{month} {day}", f"the {day} of {month}"]) + (f", {year(rng)}" if rng.random() < 0.4 else "")


def digits(rng):
    return " ".join(rng.choice(ONES[:10] + ["oh"]) for _ in range(rng.randint(3, 10)))


def person(rng):
    forms = [
        rng.choice(FIRST_NAMES),
        rng.choice(FIRST_NAMES) + " " + rng.choice(LAST_NAMES),
        rng.choice(["mister", "missus", "miss", "doctor", "professor"]) + " " + rng.choice(LAST_NAMES),
    ]
    return rng.choice(forms)


def capital(line):
    line = re.sub(r"\s+", " ", line).strip()
    return line[0].upper() + line[1:]


def clause(rng):
    pick = rng.choice
    forms = [
        lambda: f"{pick(['I', 'you', 'we', 'they'])} {pick(listed('want to|have to|need to|would like to|are going to|should|can|could|will|might|must|used to|never|always|cannot|will not|did not|do not'))} {pick(DO)} {pick(THINGS)} {pick(WHEN)}".replace("I are", "I am"),
        lambda: f"{pick(WHO + FIRST_NAMES)} {pick(DID)} {pick(THINGS)} {pick(['', pick(listed('at|near|in front of|behind|on the way to|next to|far from|opposite')) + ' ' + pick(PLACES)])}",
        lambda: f"{pick(listed('I am|she is|he is|it was|you are|they are|we were|it is|that is|this was|it is not|they were not|he has been|I have never been'))} {pick(listed('very|so|a little|too|really|quite|always|much too|almost||'))} {pick(HOW)} {pick(['', pick(WHEN)])}",
        lambda: f"{pick(TOPIC)} {pick(listed('was|is|looks|seems|will be|has been|became|used to be|is not|was never|might be|sounds'))} {pick(HOW)} {pick(['', 'and ' + pick(HOW), 'but ' + pick(HOW), 'than ' + pick(TOPIC)])}",
        lambda: f"{person(rng)} {pick(listed('said|thinks|told me|knows|hopes|believes|heard|told us|is afraid|was sure'))} that {pick(listed('it is|he was|she is|they were|we are|you were|nobody is'))} {pick(HOW)}",
        lambda: f"{pick(listed('there is|there was|there are|I can see|we found|she lives near|they met at|he walked to|the road goes to|I left it at'))} {pick(THINGS + PLACES)} {pick(listed('in|near|behind|beside|above|under|across from|between here and'))} {pick(PLACES)}",
        lambda: f"{pick(WHO)} {pick(listed('went to|came back from|drove to|walked to|arrived at|left|moved to|flew to|is traveling to|has been to'))} {pick(PLACES + CITIES + COUNTRIES)} {pick(WHEN)} {pick(['', 'with ' + person(rng), 'by ' + pick(listed('train|car|bus|plane|boat|bicycle')), 'on foot'])}",
    ]
    return pick(forms)()


def everyday(rng):
    """One conversational sentence, question, request or command."""
    pick = rng.choice
    forms = [
        lambda: clause(rng) + ".",
        lambda: clause(rng) + ".",
        lambda: clause(rng) + ", " + pick(LINK) + " " + clause(rng) + ".",
        lambda: f"{pick(ASK)} {pick(DO)} {pick(THINGS)} {pick(['', pick(WHEN), pick(WHERE)])}{pick('.?')}",
        lambda: f"{pick(listed('what time|when|where|why|how|with whom|how often|how long'))} {pick(listed('does|did|will|can|should|would|must'))} {pick(FIRST_NAMES + listed('he|she|the train|the bus|your brother'))} {pick(listed('go to|come back from|leave|arrive at|walk to|drive to|return to|get to|stay in|move to'))} {pick(PLACES + CITIES)}?",
        lambda: f"{pick(listed('what|which one|who|whose book|what kind of music|how many people|which of them'))} {pick(listed('is|was|are|were|will be|would be'))} {pick(HOW + listed('in the box|on the table|at the door|your favorite|for sale|next'))}?",
        lambda: f"{pick(COMMAND)} {pick(DEVICE)} {pick(['', 'please', 'now', pick(WHERE), 'again', 'to ' + number(rng.randint(1, 100), rng), 'for ' + number(rng.randint(2, 60), rng) + ' minutes', 'at ' + clock(rng)])}.",
        lambda: f"{pick(GREET)}, {pick(FIRST_NAMES)}, {pick(SMALL_TALK)}.",
        lambda: f"{pick(SMALL_TALK)}.",
        lambda: f"{pick(GREET)}, {pick(SMALL_TALK)}, {pick(SMALL_TALK)}.",
        lambda: f"if {pick(['I', 'you', 'we', 'they'])} {pick(DO)} {pick(THINGS)}, {pick(['I', 'you', 'we', 'they'])} {pick(listed('will|can|should|must|might|would'))} {pick(DO)} {pick(THINGS)}.",
        lambda: f"{pick(WHO)} {pick(listed('said|asked|wrote|thought|answered'))}, {clause(rng)}.",
    ]
    return capital(pick(forms)())


def numbers(rng):
    """Counts, prices, times, dates, years, telephone numbers, decimals."""
    pick = rng.choice
    forms = [
        lambda: f"{pick(listed('there are|I have|we counted|she sold|it costs|he ran|about|it takes|they paid|almost|more than|we need'))} {any_number(rng)} {pick(UNIT)}.",
        lambda: f"{pick(listed('the answer is|the number is|the price is|page|room|add|chapter|flight|bus number|my number is|gate|platform|version|apartment'))} {any_number(rng)}.",
        lambda: f"{pick(listed('the meeting is|the train leaves|call me|wake me up|it is|we will eat|the shop closes|the class starts|he arrives|dinner is|set an alarm|the movie begins'))} at {clock(rng)}.",
        lambda: f"{pick(listed('today is|he was born on|the letter is dated|the party is on|remind me on|we arrived on|she died on|the war began on|the offer ends on'))} {date(rng)}.",
        lambda: f"{pick(listed('in|since|around|before|it was built in|he moved here in|the company was founded in|by the end of'))} {year(rng)}.",
        lambda: digits(rng) + ".",
        lambda: f"{pick(listed('my phone number is|call|the code is|dial|the pin is|his number is'))} {digits(rng)}.",
        lambda: any_number(rng) + ".",
        lambda: f"{number(rng.randrange(100), rng)} point {' '.join(pick(ONES[:10]) for _ in range(rng.randint(1, 4)))} {pick(['', 'percent', 'degrees', 'million', 'kilometers'])}.",
        lambda: f"{any_number(rng)} {pick(listed('plus|minus|times|divided by|is more than|is less than'))} {any_number(rng)}.",
        lambda: f"{number(rng.randrange(1, 100), rng)} dollars and {number(rng.randrange(1, 100), rng)} cents.",
        lambda: f"the {pick(ORDINALS)} {pick(listed('time|day|floor|street|page|chapter|person|of the month|king|prize|world war'))}.",
        lambda: f"{pick(listed('a half|one third|two thirds|a quarter|three quarters|one fifth|a dozen|half a dozen|a couple|a hundred|a thousand|a million'))} of {pick(listed('the people|the money|the time|them|the students|all the cars|the water'))}.",
    ]
    return capital(pick(forms)())


def names(rng):
    """People, cities and countries in short sentences."""
    pick = rng.choice
    forms = [
        lambda: f"my name is {person(rng)}.",
        lambda: f"{person(rng)} and {person(rng)} live in {pick(CITIES)}.",
        lambda: f"{person(rng)} is from {pick(CITIES + COUNTRIES)}.",
        lambda: f"I would like to speak to {person(rng)}, please.",
        lambda: f"call {person(rng)} {pick(WHEN)}.",
        lambda: f"we flew from {pick(CITIES)} to {pick(CITIES)} {pick(WHEN)}.",
        lambda: f"this is {person(rng)} from {pick(CITIES)}, {pick(COUNTRIES)}.",
        lambda: f"have you ever been to {pick(COUNTRIES + CITIES)}?",
        lambda: f"the capital of {pick(COUNTRIES)} is not {pick(CITIES)}.",
        lambda: f"{pick(FIRST_NAMES)}, {pick(FIRST_NAMES)}, {pick(FIRST_NAMES)} and {person(rng)}.",
        lambda: f"dear {person(rng)}, thank you for your {pick(listed('letter|message|help|visit|call|present|kind words'))}.",
    ]
    return capital(pick(forms)())


def short(rng):
    """One to three words: answers, commands, single nouns."""
    pick = rng.choice
    forms = [
        lambda: pick(listed("yes|no|okay|stop|go|start|help|left|right|up|down|on|off|next|back|again|cancel|continue|hello|goodbye|thanks|please|maybe|never|always|now|later|ready|sure|well|oh|wait|quiet|louder|faster|slower")),
        lambda: f"{pick(['yes', 'no', 'okay', 'oh'])}, {pick(listed('please|thank you|I know|sir|not now|of course|never|that one|maybe later'))}",
        lambda: pick(ONES),
        lambda: pick(HOW),
        lambda: f"{pick(['very', 'not', 'too', 'so'])} {pick(HOW)}",
        lambda: pick(THINGS),
        lambda: pick(PLACES),
        lambda: pick(WHEN),
        lambda: f"{pick(COMMAND)} {pick(['it', 'this', 'that', 'them'])}",
        lambda: f"{pick(COMMAND)} {pick(DEVICE)}",
        lambda: pick(FIRST_NAMES) + " " + pick(LAST_NAMES),
        lambda: any_number(rng),
        lambda: clock(rng),
    ]
    return capital(pick(forms)()) + pick([".", ".", "!", "?"])

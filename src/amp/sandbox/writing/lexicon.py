"""Phrases that fill the slots of sentence patterns. All phrases of one slot have the same grammar, so that any
of them reads well in any pattern; none holds a digit, a name or a link, because a writer must not invent them."""

SLOTS: dict[str, tuple[str, ...]] = {
    # people, plural
    "who": (
        "busy teams",
        "new customers",
        "small crews",
        "people with full calendars",
        "curious newcomers",
        "seasoned practitioners",
        "remote colleagues",
        "weekend tinkerers",
        "patient builders",
        "careful planners",
        "loyal regulars",
        "skeptical engineers",
        "first-time founders",
        "the folks in support",
        "quiet experts",
        "restless makers",
    ),
    # what gets in the way, noun phrases
    "friction": (
        "a spreadsheet nobody trusts",
        "the handover that loses half the story",
        "a setup guide with missing steps",
        "yet another login",
        "waiting for somebody to reply",
        "the weekly scramble",
        "notes scattered everywhere",
        "a meeting that should have been a message",
        "the hunt for the right file",
        "guesswork dressed up as a plan",
        "rework late on a Friday",
        "typing the same answer again",
        "a chart that explains nothing",
        "approval chains without an end",
        "the blank page",
        "a tool that fights back",
        "rules nobody remembers writing",
        "the tab you are afraid to close",
    ),
    # what is gained, noun phrases
    "relief": (
        "a quieter inbox",
        "room to think",
        "an honest answer on the first try",
        "a plan that survives the week",
        "fewer surprises",
        "one place to look",
        "a calmer release day",
        "work that explains itself",
        "time back for the craft",
        "a shorter road from idea to result",
        "confidence before the deadline",
        "decisions that stick",
        "a clear next step",
        "a team that pulls in one direction",
        "fewer late nights",
        "something worth showing to a friend",
    ),
    # when, adverbial
    "moment": (
        "on a slow Monday morning",
        "right before a deadline",
        "during the very first week",
        "once the launch confetti is swept up",
        "when the calendar is already full",
        "between two meetings",
        "at the end of a long quarter",
        "while the coffee is still hot",
        "on the train home",
        "halfway through a project",
        "just after lunch",
        "on a rainy afternoon",
        "when everybody else has logged off",
        "at the worst possible time",
    ),
    # good habits, gerund phrases
    "craft": (
        "listening before building",
        "writing things down",
        "starting small",
        "asking the awkward question early",
        "leaving room for change",
        "testing with real people",
        "cutting what nobody uses",
        "naming things clearly",
        "showing unfinished work",
        "keeping promises small",
        "measuring what matters",
        "saying no kindly",
        "fixing the boring parts first",
        "explaining the why",
        "borrowing good ideas shamelessly",
        "sleeping on big decisions",
    ),
    # what happens then, clauses
    "change": (
        "handovers get shorter",
        "people stop asking where things are",
        "the loud problems go quiet",
        "newcomers find their feet sooner",
        "the team argues about ideas instead of tools",
        "fewer things fall through the cracks",
        "mornings begin with work instead of searching",
        "feedback arrives while it still helps",
        "the boring parts take care of themselves",
        "good questions come up earlier",
        "the backlog starts to make sense",
        "small wins add up",
        "nobody misses the old way",
        "plans become conversations",
        "doubts turn into experiments",
        "Fridays feel lighter",
    ),
    # what to do now, imperatives
    "ask": (
        "try it on one small task",
        "tell us what you would change",
        "show it to the colleague who doubts it",
        "save this for your next planning session",
        "start with the part that annoys you most",
        "send us your hardest question",
        "take it for a spin today",
        "share the version that worked for you",
        "pick one habit and keep it for a week",
        "come and see how it feels",
        "write down what you would miss",
        "bring it up in your next retro",
        "pass this on to somebody who needs it",
        "give it an hour and judge for yourself",
        "reply with the step you always skip",
        "borrow whatever helps",
    ),
    # how, adjectives
    "quality": (
        "calm",
        "practical",
        "honest",
        "patient",
        "careful",
        "steady",
        "curious",
        "generous",
        "deliberate",
        "plain-spoken",
        "modest",
        "humble",
        "thoughtful",
        "quietly ambitious",
    ),
    # small objects of work, noun phrases
    "piece": (
        "a first draft",
        "the opening screen",
        "a single checklist",
        "the welcome note",
        "one honest demo",
        "a short walkthrough",
        "the default settings",
        "a whiteboard photo",
        "the oldest complaint on the list",
        "a rough sketch",
        "the last mile",
        "a plain summary",
        "the first conversation",
        "an early prototype",
    ),
    # how people put it, quoted remarks
    "remark": (
        "why did we not do this sooner",
        "so that is how it works",
        "I finally get it",
        "this is oddly satisfying",
        "can we have this everywhere",
        "that was easier than expected",
        "more of this, please",
        "now I can explain it to my team",
        "I did not know I needed that",
        "this changes my morning",
    ),
}

STOP_WORDS = frozenset(
    """a about above across after again against all also although always am among an and any anybody anything are
    around as at away be because been before being below between both but by can cannot come could did do does doing
    done down during each either else ever every few for from further get gets give given go goes had has have having
    he her here hers him his how however i if in instead into is it its itself just keep know least less let like made
    make makes many may me might more most much must my need needs neither never new no nobody none nor not nothing now
    of off often on once one only onto or other others our ours out over own per perhaps please put quite rather really
    same say says see seen several shall she should since so some somebody something still such take than that the
    their theirs them then there these they thing things this those through thus to together too toward two under
    until up upon us use used uses using very via want wants was way we well were what when where whether which while
    who whom whose why will with within without would yet you your yours yourself""".split()  # noqa: SIM905
)

TASK_WORDS = frozenset(
    """angle answer angles audience brief call campaign campaigns caption channel channels characters character check
    content copy cycle cycles draft drafts engagement english example facebook goal goals hashtag hashtags idea image
    increase instagram instruction instructions item items json kpi kpis language length limit linkedin list maximum
    mention message metrics minimum mission number numbers objective objectives output paragraph people pillar pillars
    placeholder placeholders plan platform platforms post posts project propose prose reader readers reason respond
    response return rewrite schema section sentence sentences short slot slots social style subject summary task text
    thread threads threads tiktok title titles tone topic topics twitter type voice write writer writing word words x
    youtube excluded touched taught last earlier version reviewer media theme themes strategy first second third serve
    distinct concrete person knows invented names links touch""".split()  # noqa: SIM905
)

LEADING_VERBS = frozenset(
    """achieve acquire advertise announce attract boost bring build celebrate convert create deliver demonstrate drive
    educate encourage engage establish expand explain generate get grow help highlight improve increase inform
    introduce launch make maximise maximize motivate persuade position present promote publicise publicize raise reach
    recruit reduce sell share show spread strengthen support teach tell win""".split()  # noqa: SIM905
)

MASS_NOUNS = frozenset(
    """advice adoption awareness beauty business care code coffee commerce content demand design documentation
    education energy equipment experience fashion feedback food fun furniture growth health help homework information
    infrastructure interest knowledge leadership loyalty luck marketing money music news onboarding patience pottery
    productivity progress quality research retention revenue safety sales science security software sport strategy
    support sustainability sync tea time traffic travel trust value water wealth weather wine work writing
    yoga""".split()  # noqa: SIM905
)

MASS_ENDINGS = ("ness", "tion", "sion", "ment", "ing", "ity", "ance", "ence", "ship", "ware", "ics", "hood")

//! Words that are retired, what to write instead, and where they may stay.
//!
//! A pattern is a row of words: `a|b` is either of them, `*` is any word. Identifiers are split into their words, and case does not
//! count: `held_by` and `HeldBy` both match `held by`. A word with a capital matches only as it is written.

/// `(pattern, what to write instead)`.
pub(super) const RETIRED: &[(&str, &str)] = &[
    ("whoever|whomever|whosoever", "name the actor: \"the run that has the lock\""),
    ("likewise", "\"also\", \"the same\", or repeat what is meant"),
    ("thereof|hereof|whereof", "\"of it\", \"its\""),
    ("so many", "\"the number of\", or the number"),
    ("hold|holds|held|holding against", "\"compare with\", \"check against\""),
    ("mend|mends|mended|mending", "\"fix\", \"repair\""),
    ("judge|judges|judged|judging|judgement|judgements|judgment", "\"check\", \"decide\", \"evaluate\""),
    ("settle|settles|settled|settling", "\"finish\", \"take effect\", \"decide\""),
    ("tell|tells|told|telling", "\"report\", \"say\", \"name\", \"distinguish\""),
    ("answer|answers|answered|answering|unanswered", "\"response\", \"respond\", \"return\"; of a person, \"reply\""),
    ("serves", "\"is live\", \"takes the traffic\", \"runs\""),
    ("stand|stands|stood", "\"is\", \"remains\""),
    ("hold|holds|holding the|a|its|this|our|that lock|lease", "\"has the lock\""),
    ("lock|lease is|was|be|are held", "\"has the lock\", \"is locked\""),
    ("held by", "\"locked by\""),
    ("spine", "\"phases\""),
    ("pulse|pulses", "\"heartbeat\""),
    ("trial|trials", "\"test\", \"check\""),
    ("glimpse|glimpses", "\"check\", \"response\""),
    ("sign|signs of life", "\"heartbeat\""),
    ("take|takes|taken|took|taking back", "\"revert\", \"undo\""),
    ("take|takes|took|taking it|them back", "\"revert\", \"undo\""),
    ("rings|rang|rung", "of an alarm, \"is in ALARM\""),
    ("is no *", "\"is not a ...\""),
    ("it is|was said", "name who says it"),
    ("of which", "\"whose\", or a sentence of its own"),
    ("nobody's", "\"has no owner\", or name what is meant"),
    ("nobody asked", "\"was not requested\""),
];

/// Words that only the messages of the deployer must not have: programs do not ask, know, want or see.
pub(super) const RETIRED_IN_MESSAGES: &[(&str, &str)] = &[
    ("serve|served|holds|held", "\"is live\", \"has\""),
    ("somebody|nobody", "name the actor"),
    ("asks|knows|wants|sees", "what the program does: \"reads\", \"finds\", \"needs\""),
];

/// Phrases in which a retired word is plain English or the field's own term.
pub(super) const PLAIN: &[&str] = &[
    "is no longer|more|less|better|worse|different|op",
    "there is no *",
    "stand|stands for",
    "stand|stands in|ins",
    // API Gateway: a stage serves a deployment.
    "stage|stages|url serves",
];

/// `(beginning of a path, pattern, reason)`: where a retired word has to stay.
pub(super) const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("deployer/tests", "Trial", "the type of the crate libtest-mimic"),
    (
        "terraform/modules/backend/placeholder/bootstrap",
        "answer|answers",
        "an environment whose placeholder changes before its first release would count as released",
    ),
];

/// Ends of the names of files whose words are not ours: licences, lock files, certificates, packages.
pub(super) const FOREIGN: &[&str] = &["LICENSE", ".lock", ".lock.hcl", "package-lock.json", ".pem", ".zip"];

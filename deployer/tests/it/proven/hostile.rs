//! The real binary before a ledger whose items say what cannot be: it neither panics nor moves anything, and says which
//! item it is. (Items of every shape, without the binary: `tests/fuzz`.)

use serde_json::{Value, json};

use crate::harness::{Ended, SENTENCE};
use crate::strict::{Call, Front};
use crate::{promises, stack};

const APP: &str = "hostile";
const OTHER: &str = "There is nothing at all.";

/// Items that cannot be: what, which item, where in it, what stands there instead, and what is said of it.
fn cases() -> Vec<(&'static str, &'static str, &'static str, Value, &'static str)> {
    let n = |number: &str| json!({"N": number});
    vec![
        ("the highest number of its type", "last", "/number", n("4294967295"), "says that it is release 4294967295"),
        ("a number beyond its type", "last", "/number", n("4294967296"), "cannot be read"),
        ("a number that is another's", "last", "/number", n("12345678"), "says that it is release 12345678"),
        ("a number that is none", "last", "/number", json!({"S": "seven"}), "cannot be read"),
        ("a negative number", "last", "/previous", n("-1"), "cannot be read"),
        ("a state of tomorrow", "last", "/state", json!({"S": "pondering"}), "cannot be read"),
        ("parts that are a set", "last", "/parts", json!({"SS": ["a"]}), "cannot be read"),
        ("a binary actor", "last", "/actor", json!({"B": "AP8="}), "cannot be read"),
        ("the last fence", "lock", "/fence", n("18446744073709551615"), "has a fence after which none is left"),
        ("no fence", "lock", "/fence", n("0"), "has the fence 0"),
        ("a fence that is not whole", "lock", "/fence", n("1.5"), "cannot be read"),
        ("nobody who holds it", "lock", "/holder", json!({"NULL": true}), "cannot be read"),
        (
            "a lease beyond all time",
            "lock",
            "/holder",
            holder("18446744073709551615"),
            "with a lease of 18446744073709551615 s",
        ),
        ("a lease that is none", "lock", "/holder", holder("-20"), "cannot be read"),
        ("a live release that is a word", "live", "/release", json!({"S": "the best"}), "item `live`"),
        ("nothing that is live", "live", "/release", json!({"NULL": true}), "item `live`"),
        (
            "live parts of a function that is none",
            "live",
            "/release/M/parts/M/functions",
            json!({"M": {"": {"N": "1"}}}),
            "item `live`",
        ),
        ("a contract of no functions", "stack", "/functions", json!({"M": {}}), "has the functions"),
        ("a contract that leads elsewhere", "stack", "/api/M/rest_api_id", json!({"S": "../../x"}), "for its API"),
        ("a contract with an empty alias", "stack", "/functions/M/counter/M/alias", json!({"S": ""}), "for an alias"),
        ("a contract whose URL is none", "stack", "/api/M/url", json!({"S": "ftp:\u{1b}[2J"}), ""),
    ]
}

fn holder(lease: &str) -> Value {
    let text = |text: &str| json!({"S": text});
    json!({"M": {
        "id": text("x"), "actor": text("ada\u{1b}[2J"), "command": text("deploy dev"), "since": text("now"),
        "lease_seconds": {"N": lease},
    }})
}

/// Dev's four items in a partition of their own.
fn partition() -> [Value; 4] {
    let stack = stack();
    let mut items = ["stack", "lock", "live"].map(|key| stack.ledger_item("dev", key)).to_vec();
    items.push(stack.last_release("dev"));
    items.iter_mut().for_each(|item| item["pk"] = json!({"S": APP}));
    items.try_into().unwrap()
}

fn put(items: &[Value]) {
    items.iter().for_each(|item| stack().put_ledger_item("dev", item));
}

fn told(front: &Front, command: &str) -> (Ended, Vec<Call>) {
    let app = ("app = \"resume-visitor-counter\"", "app = \"hostile\"");
    stack().checkout.through_with(front, "dev", &[app], command)
}

/// Whether a command ended as a documented one does, changed nothing, and commands no terminal.
fn tame(what: &str, command: &str, (ended, calls): &(Ended, Vec<Call>), expected: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let words = format!("{}{}", ended.stdout, ended.stderr);
    if words.contains("panicked") || !(0..=5).contains(&ended.code) {
        broken.push(format!("ended with {}", ended.code));
    }
    if ended.code != 0 && !(words.contains("hint: ") || words.contains("❌") || command.starts_with("check")) {
        broken.push("says not what to do".to_owned());
    }
    if command.starts_with("deploy") && (!words.contains(expected) || ended.code == 0 && !expected.is_empty()) {
        broken.push(format!("does not say `{expected}`"));
    }
    if words.contains('\u{1b}') {
        broken.push("commands the terminal".to_owned());
    }
    let wrote: Vec<_> = calls.iter().filter(|call| call.writes() && call.name != "URL").map(|call| call.name).collect();
    if !wrote.is_empty() {
        broken.push(format!("wrote {wrote:?}"));
    }
    broken.into_iter().map(|why| format!("{what}: `{command}` {why}\n{words}")).collect()
}

pub(crate) fn what_an_item_says_that_cannot_be_is_refused_by_name_and_nothing_is_moved() {
    let (stack, sound) = (stack(), partition());
    let artifact = stack.checkout.artifact(OTHER);
    let (front, before) = (Front::before(stack.checkout.port("dev")), stack.status("dev"));
    let (mut tried, mut broken) = (0, Vec::new());
    for (what, key, place, value, expected) in cases() {
        put(&sound);
        let index = ["stack", "lock", "live", "last"].iter().position(|known| *known == key).unwrap();
        let mut item = sound[index].clone();
        let (above, name) = place.rsplit_once('/').unwrap();
        item.pointer_mut(above).unwrap()[name] = value;
        put(std::slice::from_ref(&item));
        let deploy = format!("deploy dev --artifact {artifact}");
        // A deploy of other code than what is live would move it, if it were let.
        let mut commands =
            vec!["status dev", "plan dev", "history dev", "check dev", "prune dev", "rollback dev --to previous"];
        if key != "stack" || !expected.is_empty() {
            commands.push(&deploy);
        }
        for command in commands {
            tried += 1;
            broken.extend(tame(what, command, &told(&front, command), expected));
        }
    }
    put(&sound);
    let after = stack.status("dev");
    broken.extend((after != before).then(|| format!("what serves went from {before} to {after}")));
    promises::measured(
        "7-hostile-ledger-runs",
        "what an item of a ledger says that cannot be: every command ends with a documented code, names it, and changes nothing",
        "the real binary: status, plan, history, check, prune, rollback, deploy before each of the items",
        tried,
        &broken,
    );
}

/// Its item is gone, by hand or by a restored table: the record of what replaces it must not fail for that.
pub(crate) fn a_live_release_whose_item_is_gone_gets_it_back_when_it_is_superseded() {
    let stack = stack();
    let (base, other) = (stack.checkout.artifact(SENTENCE), stack.checkout.artifact(OTHER));
    stack.released("dev", &other);
    stack.released("dev", &base);
    let [contract, lock, live, last] = partition();
    let before = stack.status("dev");
    let mut gone = last.clone();
    (gone["state"], gone["stable"]) = (json!({"S": "failed"}), json!({"BOOL": false}));
    (gone["number"], gone["sk"]) = (json!({"N": "1"}), json!({"S": "release#00000001"}));
    let number: u64 = live["release"]["M"]["number"]["N"].as_str().unwrap().parse().unwrap();
    let key = json!({"pk": {"S": APP}, "sk": last["sk"]});
    let table = json!({"TableName": "resume-visitor-counter-ledger-dev", "Key": key});
    stack.behind("dev", "POST", "/", Some("DynamoDB_20120810.DeleteItem"), &table);
    put(&[contract, lock, live, gone]);
    let front = Front::before(stack.checkout.port("dev"));
    told(&front, &format!("deploy dev --artifact {other}")).0.expect(0);
    let history = told(&front, "history dev --output json").0.expect(0).json();
    let releases: Vec<_> = history["releases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["release"].clone(), row["state"].clone()))
        .collect();
    assert_eq!(releases[..2], [(json!(number + 1), json!("live")), (json!(number), json!("superseded"))], "{history}");
    told(&front, "rollback dev --to previous").0.expect(0);
    assert_eq!(stack.status("dev"), before);
    stack.released("dev", &base);
}

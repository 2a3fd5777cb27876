//! How the key for addresses comes to be known, over sources in memory.

use function::{
    key::{AddressKey, KeyError},
    privacy::{Address, Pseudonym},
};
use jiff::Timestamp;

use crate::memory::{SECRET, Vault};

async fn visitor(key: &AddressKey<&Vault>) -> Pseudonym {
    key.pseudonym(Address::read("203.0.113.77").as_ref(), Timestamp::UNIX_EPOCH).await
}

#[tokio::test]
async fn a_key_is_read_during_init_and_never_again() {
    let vault = Vault::down(0);
    let key = AddressKey::new(&vault);
    key.load().await.unwrap();
    assert_eq!(visitor(&key).await, visitor(&key).await);
    assert_eq!(vault.asked(), 1);
}

#[tokio::test]
async fn init_gets_over_two_failures_that_pass() {
    let vault = Vault::down(2);
    let key = AddressKey::new(&vault);
    key.load().await.unwrap();
    assert_ne!(visitor(&key).await, Pseudonym::unknown());
    assert_eq!(vault.asked(), 3);
}

#[tokio::test]
async fn a_temporarily_unreadable_key_allows_a_start_and_is_retried() {
    let vault = Vault::down(4);
    let key = AddressKey::new(&vault);
    key.load().await.unwrap();
    assert_eq!((visitor(&key).await, vault.asked()), (Pseudonym::unknown(), 4));
    assert_ne!(visitor(&key).await, Pseudonym::unknown());
}

#[tokio::test]
async fn a_key_that_can_never_be_used_stops_the_start_at_once() {
    let refused = || KeyError::Refused { parameter: "/p".to_owned(), cause: "no such thing".into() };
    let short = || KeyError::Short { parameter: "/p".to_owned() };
    for error in [refused as fn() -> KeyError, short] {
        let vault = Vault { error, ..Vault::down(1) };
        let stopped = AddressKey::new(&vault).load().await.unwrap_err().to_string();
        assert!(stopped.starts_with("parameter `/p` "), "{stopped}");
        assert_eq!(vault.asked(), 1);
    }
}

#[tokio::test]
async fn at_most_one_visit_at_a_time_asks_for_the_key() {
    let vault = Vault::down(0);
    let key = AddressKey::new(&vault);
    let (first, second) = tokio::join!(visitor(&key), visitor(&key));
    assert_ne!(first, Pseudonym::unknown());
    assert_eq!((second, vault.asked()), (Pseudonym::unknown(), 1));
}

#[tokio::test]
async fn what_holds_the_key_does_not_show_it() {
    let vault = Vault::down(0);
    let key = AddressKey::new(&vault);
    key.load().await.unwrap();
    let shown = format!("{key:?}");
    assert!(shown.contains("Secret(..)") && !shown.contains(SECRET), "{shown}");
}

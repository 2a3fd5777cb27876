//! Two transactions on one item at the same time: DynamoDB cancels one of them (TransactionConflict), the emulator
//! carries out one after the other.

use super::super::account::Account;
use super::super::answer::Answer;
use super::{Exchange, quotas};

/// The items of a transaction, for as long as it is under way.
struct UnderWay<'a>(&'a Account, Vec<String>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut items = self.0.transactions.lock().unwrap();
        for item in &self.1 {
            items.remove(item);
        }
    }
}

/// TransactWriteItems.
pub(super) async fn transact(call: &Exchange<'_>) -> Result<Answer, Answer> {
    let request = call.json();
    let items: Vec<String> = request["TransactItems"].as_array().into_iter().flatten().map(quotas::key).collect();
    let conflicts = {
        let mut under_way = call.account.transactions.lock().unwrap();
        let conflicts: Vec<&str> =
            items.iter().map(|item| if under_way.contains(item) { "TransactionConflict" } else { "None" }).collect();
        if conflicts.iter().all(|conflict| *conflict == "None") {
            under_way.extend(items.iter().cloned());
        }
        conflicts
    };
    if conflicts.contains(&"TransactionConflict") {
        let words = format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            conflicts.join(", ")
        );
        return Err(call.refuse(400, "TransactionCanceledException", &words));
    }
    let _under_way = UnderWay(call.account, items);
    tokio::time::sleep(call.shared.settings().transactions).await;
    Ok(call.forward().await)
}

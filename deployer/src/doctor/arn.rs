//! Names as IAM has them.

use crate::ledger::Contract;

/// The partition of a region: the beginning of its ARNs.
pub(super) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The ARN of a function of the contract.
pub(super) fn function_arn(contract: &Contract, name: &str) -> String {
    let (region, account) = (&contract.region, &contract.account);
    format!("arn:{}:lambda:{region}:{account}:function:{name}", partition(region))
}

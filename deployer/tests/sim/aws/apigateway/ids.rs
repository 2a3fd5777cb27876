//! Ids like API Gateway's: short, lower-case letters and digits, in no order.

/// The number as an id. Different numbers give different ids, and following ones do not sort one after the other, as
/// AWS promises no order either.
pub(super) fn numbered(number: u64, digits: u32) -> String {
    // Odd, and no multiple of 3: a bijection of the numbers below a power of 36.
    const FACTOR: u128 = 2_654_435_761;
    let all = 36_u128.pow(digits);
    base36(u64::try_from(u128::from(number) * FACTOR % all).unwrap_or_default(), digits)
}

/// The id of what has a name of its own, as a resource has its path: the same one each time.
pub(super) fn named(name: &str) -> String {
    // FNV-1a.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    base36(hash, 6)
}

fn base36(mut number: u64, digits: u32) -> String {
    const SIGNS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut id = String::new();
    for _ in 0..digits {
        let sign = usize::try_from(number % 36).unwrap_or_default();
        id.push(char::from(SIGNS[sign]));
        number /= 36;
    }
    id
}

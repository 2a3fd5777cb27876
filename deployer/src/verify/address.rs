//! Addresses of clients in a log: of e-mail, and of the Internet. Those of a private network explain a failure and stay.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest address, `0000:0000:0000:0000:0000:ffff:255.255.255.255`.
const LONGEST: usize = 45;

/// Where the address ends that begins at `at`, if one does.
pub(super) fn end(text: &[char], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let is_inside = before.is_some_and(|letter| letter.is_alphanumeric() || "._".contains(*letter));
    let of_host = if is_inside { None } else { of_host(text, at) };
    // Only at the beginning of a mailbox: to read the rest of it at every position would be quadratic.
    let is_in_mailbox = before.is_some_and(|letter| is_of_mailbox(*letter));
    of_host.or_else(|| if is_in_mailbox { None } else { of_mail(text, at) })
}

fn of_host(text: &[char], at: usize) -> Option<usize> {
    let end_of = |is: fn(char) -> bool| {
        let near = &text[at..text.len().min(at + LONGEST + 1)];
        let run: String = near.iter().take_while(|letter| is(**letter)).collect();
        let is_whole = !text.get(at + run.len()).is_some_and(|next| next.is_alphanumeric() || *next == '_');
        (is_whole && run.len() <= LONGEST).then_some(run)
    };
    let v6 = end_of(|letter| letter.is_ascii_hexdigit() || ":.".contains(letter)).filter(|run| run.contains(':'));
    let v6 = v6.and_then(|run| {
        // The text may go on with a full stop or a colon.
        let run = [run.as_str(), run.trim_end_matches('.'), run.trim_end_matches([':', '.'])]
            .into_iter()
            .find_map(|run| Some((run.len(), run.parse::<Ipv6Addr>().ok()?)));
        run.filter(|(_, address)| is_public(*address)).map(|(length, _)| at + length)
    });
    v6.or_else(|| {
        let run = end_of(|letter| letter.is_ascii_digit() || letter == '.')?;
        let run = run.trim_end_matches('.');
        let address: Ipv4Addr = run.parse().ok()?;
        is_public_v4(address).then_some(at + run.len())
    })
}

/// Clients have addresses of 2000::/3; `a::b` of a programming language is not one.
fn is_public(address: Ipv6Addr) -> bool {
    address.to_ipv4_mapped().map_or(address.segments()[0] & 0xe000 == 0x2000, is_public_v4)
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !(address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified())
}

fn of_mail(text: &[char], at: usize) -> Option<usize> {
    let run = |from: usize, is: fn(char) -> bool| {
        text.get(from..).unwrap_or_default().iter().take_while(|letter| is(**letter)).count() + from
    };
    let sign = run(at, is_of_mailbox);
    let domain = match text.get(sign..)? {
        ['@', ..] => sign + 1,
        ['%', '4', '0', ..] => sign + 3,
        _ => return None,
    };
    let mut end = run(domain, |letter| letter.is_alphanumeric() || ".-".contains(letter));
    while end > domain && !text[end - 1].is_alphanumeric() {
        end -= 1;
    }
    let last = text[domain..end].rsplit(|letter| *letter == '.').next()?;
    // A package is written with its version: `react@18.2.0`.
    let is_domain = last.len() > 1 && last.len() + 1 < end - domain && last.iter().all(|letter| letter.is_alphabetic());
    (sign > at && is_domain).then_some(end)
}

fn is_of_mailbox(letter: char) -> bool {
    letter.is_alphanumeric() || "._+-".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::super::mask::masked;

    #[test]
    fn addresses_of_visitors_are_masked() {
        for (text, expected) in [
            ("203.0.113.7", "***"),
            ("ip=203.0.113.7.", "ip=***."),
            ("[2600:1f18:1::7]:443", "[***]:443"),
            ("remote:2600::1: gone", "remote:***: gone"),
            ("::ffff:203.0.113.7", "***"),
            ("x-forwarded-for: 203.0.113.7, 10.0.0.1", "x-forwarded-for: ***, 10.0.0.1"),
            ("no user <j\u{f6}rg@example.co.uk>", "no user <***>"),
            ("?mail=ada%40example.com&x", "?mail=***&x"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_the_address_of_a_visitor_stays() {
        for text in [
            "127.0.0.1:80 10.1.2.3 172.16.0.1 192.168.1.1 169.254.1.1 0.0.0.0 ::1 fe80::1 fd00::5 ::ffff:10.0.0.1",
            "v1.2.3.4 1.2.3 at 12:34:56 in std::fmt::Debug a::b x[::2] 300.1.1.1",
            "react@18.2.0 @scope/name a@b",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}

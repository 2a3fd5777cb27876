//! `User-Agent` -> a familiar name.

/// Parts of the names of programs without a person in front of them, in lower case.
const BOTS: [&str; 8] =
    ["bot", "crawl", "spider", "slurp", "headless", "facebookexternalhit", "preview", "mediapartners"];

/// Browsers by what only they and those after them in this list have in their name: every Edge claims that
/// it is Chrome, and every Chrome that it is Safari.
const BROWSERS: [(&str, &[&str]); 5] = [
    ("Edge", &["Edg/", "EdgA/", "EdgiOS/", "Edge/"]),
    ("Opera", &["OPR/", "OPiOS/", "OPT/", "OPX/", "Opera"]),
    ("Firefox", &["Firefox/", "FxiOS/"]),
    ("Chrome", &["Chrome/", "CriOS/", "Chromium/"]),
    ("Safari", &["Safari/"]),
];

/// The family of `user_agent`: `bots`, a browser, `curl`, or else its first product without a version.
#[must_use]
pub fn family(user_agent: &str) -> &str {
    // CUBOT makes telephones.
    let lower = user_agent.to_lowercase().replace("cubot", "");
    if BOTS.iter().any(|sign| lower.contains(sign)) {
        return "bots";
    }
    let says = |signs: &[&str]| signs.iter().any(|sign| user_agent.contains(sign));
    if let Some((name, _)) = BROWSERS.iter().find(|(_, signs)| says(signs)) {
        return name;
    }
    let product = user_agent.trim_start().split(|c: char| c == '/' || c.is_whitespace()).next();
    product.filter(|product| !product.is_empty()).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_browser_is_distinguished_from_those_that_it_claims_to_be() {
        for (family, user_agent) in [
            ("Edge", "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0"),
            ("Edge", "Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36 EdgA/120"),
            ("Opera", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36 OPR/106.0"),
            ("Opera", "Opera/9.80 (Windows NT 6.1) Presto/2.12 Version/12.18"),
            ("Firefox", "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"),
            ("Firefox", "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 FxiOS/120.0 Mobile/15E148 Safari/605.1.15"),
            ("Chrome", "Mozilla/5.0 (Macintosh) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Safari/537.36"),
            ("Chrome", "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 CriOS/120.0 Mobile/15E148 Safari/604.1"),
            ("Chrome", "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36"),
            ("Safari", "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/17.0 Safari/605.1.15"),
            ("bots", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
            ("bots", "Mozilla/5.0 AppleWebKit/537.36 Chrome/120 Safari/537.36 (compatible; bingbot/2.0)"),
            ("bots", "facebookexternalhit/1.1"),
            ("bots", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120 Safari/537.36"),
        ] {
            assert_eq!(super::family(user_agent), family, "{user_agent}");
        }
    }

    #[test]
    fn anything_else_is_its_first_product() {
        for (family, user_agent) in [
            ("curl", "curl/8.5.0"),
            ("python-requests", "python-requests/2.31"),
            ("Mozilla", "Mozilla/4.0 (compatible; MSIE 6.0)"),
            ("Wget", " Wget/1.21"),
            ("unknown", "unknown"),
            ("unknown", ""),
            ("unknown", "/1"),
        ] {
            assert_eq!(super::family(user_agent), family, "{user_agent}");
        }
    }

    proptest! {
        #[test]
        fn every_agent_has_a_family(user_agent in ".*") {
            prop_assert!(!family(&user_agent).is_empty());
        }
    }
}

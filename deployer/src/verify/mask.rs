//! Masks secrets by the patterns that they are written in: `password=…`, `"token": "…"`, `Authorization: Bearer …`, AWS access
//! keys, JWTs, private keys, and the user, password or signature of a URL. The addresses of clients are masked as well.
//!
//! A pattern can miss a secret that looks like a word. Where a value may be one, too much is masked rather than too little.

use super::address;

/// What is printed in place of a secret.
const MASK: &str = "***";

/// Parts of names whose values are secret, in lower case and without `_`, `-` and `.`.
const SECRET_PARTS: [&str; 20] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "credential",
    "authorization",
    "signature",
    "cookie",
    "sessionid",
    "sessid",
    "authkey",
    "dbpass",
    "userpass",
    "dbpwd",
];
/// Words whose values are secret where a name ends with one, as `DB_PASS` and `dbPwd` do. In front they describe something
/// else: `session_count`, `auth_mode`.
const SECRET_WORDS: [&str; 8] = ["pass", "pwd", "auth", "sig", "jwt", "bearer", "dsn", "session"];
/// A longer word is none of them.
const LONGEST_WORD: usize = 16;
/// Names whose values may have blanks in them.
const PHRASES: [&str; 3] = ["password", "passwd", "passphrase"];
/// How the tokens of well-known services begin.
const PREFIXES: [&str; 18] = [
    "AKIA",
    "ASIA",
    "eyJ",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "sk-",
    "AIza",
];
/// How many more characters such a token has at least.
const REST_OF_TOKEN: usize = 12;
/// Shorter beginnings, which other words have as well: `npm_config_registry`. These tokens are longer, and begin a word.
const SHORT_PREFIXES: [(&str, &str); 2] = [("npm_", ""), ("SG.", "_-.")];
const REST_OF_LONG_TOKEN: usize = 30;
/// How far the header of a private key reaches.
const HEADER: usize = 64;
/// How much of a URL is searched for the end of its password.
const URL: usize = 1024;
/// A run of base64 that is longer is taken for a key: AWS's secret access keys have 40 characters.
const KEY: usize = 40;
/// Values that give nothing away, and explain much.
const HARMLESS: [&str; 7] = ["null", "None", "nil", "undefined", "true", "false", "\"\""];

/// Whether a value of this name is a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let joined: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    SECRET_PARTS.iter().any(|part| joined.contains(part)) || SECRET_WORDS.contains(&last_word(name).as_str())
}

/// The last word of a name such as `DB_PASS_2` or `dbPwd`, in lower case and without a number.
fn last_word(name: &str) -> String {
    let name = name.trim_end_matches(|letter: char| !letter.is_ascii_alphabetic());
    let mut word = String::new();
    for letter in name.chars().rev() {
        let is_capital_before_small = word.ends_with(|after: char| after.is_ascii_uppercase())
            && word.contains(|after: char| after.is_ascii_lowercase());
        let is_small_before_capital =
            letter.is_ascii_lowercase() && word.ends_with(|after: char| after.is_ascii_uppercase());
        let is_long = word.len() > LONGEST_WORD;
        if is_long || !letter.is_ascii_alphabetic() || is_capital_before_small || is_small_before_capital {
            break;
        }
        word.push(letter);
    }
    word.chars().rev().map(|letter| letter.to_ascii_lowercase()).collect()
}

/// `text`, which is one line, without its secrets.
pub(super) fn masked(text: &str) -> String {
    let text = Text(text.chars().collect());
    let mut masked = String::new();
    let mut at = 0;
    while let Some(letter) = text.get(at) {
        match text.secret(at).or_else(|| Some((at, address::end(&text.0, at)?))) {
            Some((from, to)) => {
                masked.extend(&text.0[at..from]);
                masked.push_str(MASK);
                at = to;
            }
            None => {
                masked.push(letter);
                at += 1;
            }
        }
    }
    masked
}

/// Where a value is written that is not in quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// After a name in quotes: it ends at a comma or a bracket.
    OfJson,
    /// After the name of a header: it ends with the line.
    OfHeader,
    /// Anywhere else: it ends at white space.
    Word,
}

/// A line by its characters.
struct Text(Vec<char>);

impl Text {
    fn get(&self, at: usize) -> Option<char> {
        self.0.get(at).copied()
    }

    /// The end of the run of such characters that begins at `at`.
    fn run(&self, at: usize, is: impl Fn(char) -> bool) -> usize {
        self.0[at..].iter().position(|letter| !is(*letter)).map_or(self.0.len(), |length| at + length)
    }

    fn has(&self, at: usize, words: &str) -> bool {
        words.chars().enumerate().all(|(index, letter)| self.get(at + index) == Some(letter))
    }

    fn slice(&self, from: usize, to: usize) -> String {
        self.0[from..to].iter().collect()
    }

    /// Where a secret is, if the pattern of one begins at `at`.
    fn secret(&self, at: usize) -> Option<(usize, usize)> {
        if self.has(at, "-----BEGIN") && self.slice(at, self.0.len().min(at + HEADER)).contains("PRIVATE KEY") {
            return Some((at, self.0.len()));
        }
        if self.has(at, "://") {
            return self.user_of_url(at + 3);
        }
        if let Some(prefix) = PREFIXES.iter().find(|prefix| self.has(at, prefix)) {
            let end = self.run(at, |letter| letter.is_ascii_alphanumeric() || "_-.=".contains(letter));
            if end - at >= prefix.len() + REST_OF_TOKEN {
                return Some((at, end));
            }
        }
        let begins = |is: fn(char) -> bool| at == 0 || !self.get(at - 1).is_some_and(is);
        // Only at the beginning of a run: to look at the rest of it at every position would be quadratic.
        if begins(is_of_base64)
            && let Some(key) = self.key(at)
        {
            return Some(key);
        }
        if !begins(is_of_word) {
            return None;
        }
        let end = self.run(at, is_of_word);
        if end == at {
            return None;
        }
        let token = SHORT_PREFIXES.iter().find(|(prefix, _)| self.has(at, prefix)).and_then(|(prefix, more)| {
            let from = at + prefix.len();
            let end = self.run(from, |letter| letter.is_ascii_alphanumeric() || more.contains(letter));
            (end - from >= REST_OF_LONG_TOKEN).then_some((at, end))
        });
        token.or_else(|| self.after_name(at, end)).or_else(|| self.after_scheme(at, end))
    }

    /// The user and password of a URL, before its `@`.
    fn user_of_url(&self, from: usize) -> Option<(usize, usize)> {
        // A password may have anything in it, even a `/`, and the last `@` is the one that ends it.
        let near = &self.0[..self.0.len().min(from + URL)];
        let rest = near[from..].split(|letter| letter.is_whitespace() || is_quote(*letter)).next().unwrap_or_default();
        if let Some(end) = rest.iter().rposition(|letter| *letter == '@')
            && rest[..end].contains(&':')
        {
            return Some((from, from + end));
        }
        let authority = self.run(from, |letter| !letter.is_whitespace() && !"/?#\"'<>".contains(letter));
        let end = self.0[from..authority].iter().rposition(|letter| *letter == '@')?;
        (end > 0).then_some((from, from + end))
    }

    /// The value of a name that is secret, as in `password=x`, `"token": "x"` or `("cookie", "x")`.
    fn after_name(&self, from: usize, to: usize) -> Option<(usize, usize)> {
        let name = self.slice(from, to);
        if !is_secret_name(&name) {
            return None;
        }
        let mut at = self.run(to, |letter| letter == '\\');
        let is_quoted = self.get(at).is_some_and(is_quote);
        at = self.run(at + usize::from(is_quoted), |letter| letter == ' ');
        at = match self.get(at)? {
            ':' if self.get(at + 1) == Some(':') => return None,
            '=' | ':' => self.run(at, |letter| "=:>".contains(letter)),
            ',' if is_quoted => at + 1,
            '%' if ["%3D", "%3d", "%3A", "%3a"].iter().any(|sign| self.has(at, sign)) => at + 3,
            // The option of a command: `--password x`.
            letter if name.starts_with("--") && at > to && letter != '-' => at,
            _ => return None,
        };
        let is_colon = self.get(at - 1) == Some(':');
        at = self.run(at, |letter| letter == ' ');
        self.get(at)?;
        let name = name.to_ascii_lowercase();
        let is_whole_line = ["authorization", "cookie", "credential"].iter().any(|whole| name.contains(whole));
        let is_phrase = is_colon && PHRASES.iter().any(|phrase| name.contains(phrase));
        let kind = match (is_quoted, is_whole_line) {
            (true, _) => Value::OfJson,
            (false, true) => Value::OfHeader,
            (false, false) => Value::Word,
        };
        let end = self.end_of_value(at, kind);
        let value = self.slice(at, end);
        if end == at || HARMLESS.contains(&value.trim_end_matches([',', ';', '}', ')', ']'])) {
            return None;
        }
        let is_phrase = is_phrase && kind == Value::Word && !value.contains(['"', '\'', '`', '(', '[', '{']);
        Some((at, if is_phrase { self.0.len() } else { end }))
    }

    /// What follows a scheme of HTTP's, as in `Bearer x`.
    fn after_scheme(&self, from: usize, to: usize) -> Option<(usize, usize)> {
        let is_scheme = ["bearer", "basic"].iter().any(|scheme| self.slice(from, to).eq_ignore_ascii_case(scheme));
        let at = self.run(to, |letter| letter == ' ');
        let end = self.run(at, |letter| letter.is_ascii_alphanumeric() || "-._~+/=".contains(letter));
        (is_scheme && at > to && end - at >= 8).then_some((at, end))
    }

    /// A long run of base64.
    fn key(&self, from: usize) -> Option<(usize, usize)> {
        let end = self.run(from, is_of_base64);
        let run = &self.0[from..end];
        let has = |is: fn(&char) -> bool| run.iter().filter(|letter| is(letter)).count();
        let is_mixed =
            has(char::is_ascii_uppercase) > 1 && has(char::is_ascii_lowercase) > 1 && has(char::is_ascii_digit) > 0;
        (run.len() >= KEY && is_mixed).then_some((from, end))
    }

    /// Where a value ends that begins at `from`. One in quotes or brackets ends with them, a header's with its line, any other
    /// at white space or at the `&` of a query.
    fn end_of_value(&self, from: usize, kind: Value) -> usize {
        // JSON within JSON has its quotes escaped, to any depth.
        let slashes = self.run(from, |letter| letter == '\\') - from;
        let first = self.get(from + slashes).unwrap_or(' ');
        if is_quote(first) {
            return self.end_of_quoted(from + slashes, first, slashes);
        }
        if kind == Value::OfHeader && !"[{(".contains(first) {
            return self.run(from, |letter| !"\"'`".contains(letter));
        }
        let (mut at, mut depth) = (from, 0_usize);
        while let Some(letter) = self.get(at) {
            match letter {
                '"' | '\'' | '`' => at = self.end_of_quoted(at, letter, 0).saturating_sub(1),
                '[' | '{' | '(' => depth += 1,
                ',' | ']' | '}' | ')' if depth == 0 && kind == Value::OfJson => return at,
                ']' | '}' | ')' => depth = depth.saturating_sub(1),
                _ if depth == 0 && (letter.is_whitespace() || letter == '&') => return at,
                _ => {}
            }
            at += 1;
        }
        self.0.len()
    }

    /// The end of what is in quotes, which are escaped by as many backslashes as the opening one.
    fn end_of_quoted(&self, open: usize, quote: char, slashes: usize) -> usize {
        let mut at = open + 1;
        while at < self.0.len() {
            let after = self.run(at, |letter| letter == '\\');
            if self.get(after) == Some(quote) && after - at <= slashes {
                return after + 1;
            }
            at = after + 1;
        }
        self.0.len()
    }
}

fn is_quote(letter: char) -> bool {
    "\"'`".contains(letter)
}

fn is_of_base64(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "+/=_".contains(letter)
}

fn is_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "_-.".contains(letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "hunter2canary";

    #[test]
    fn secrets_are_masked_in_every_form() {
        let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.{SECRET}");
        for (text, expected) in [
            ("password=hunter2canary", "password=***"),
            ("DB_PASSWORD = hunter2canary next", "DB_PASSWORD = *** next"),
            ("token: hunter2canary", "token: ***"),
            (r#"{"user":"ada","apiKey":"hunter2canary","n":1}"#, r#"{"user":"ada","apiKey":***,"n":1}"#),
            (r#"{\"client_secret\":\"hunter2canary\",\"n\":1}"#, r#"{\"client_secret\":***,\"n\":1}"#),
            (r#"{"secret":"a\"hunter2canary","n":1}"#, r#"{"secret":***,"n":1}"#),
            (r#"{"tokens":["a b","hunter2canary"]}"#, r#"{"tokens":***}"#),
            (r#"{"pwd":12345,"n":1}"#, r#"{"pwd":***,"n":1}"#),
            ("sha.wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "sha.***"),
            (r#"Config { password: Some("a hunter2canary") }"#, "Config { password: *** }"),
            (r#"("authorization", "Bearer hunter2canary")"#, r#"("authorization", ***)"#),
            ("Authorization: Bearer hunter2canary", "Authorization: ***"),
            ("Authorization: AWS4-HMAC-SHA256 Credential=a, Signature=hunter2canary", "Authorization: ***"),
            ("cookie: a=b; session=hunter2canary", "cookie: ***"),
            ("sent Bearer hunter2canary to it", "sent Bearer *** to it"),
            ("postgres://ada:hunter2canary@db/x", "postgres://***@db/x"),
            ("postgres://ada:hunter2@canary@db/x", "postgres://***@db/x"),
            ("https://x/y?X-Amz-Signature=hunter2canary&a=1", "https://x/y?X-Amz-Signature=***&a=1"),
            ("https://x/y?sig=hunter2canary&a=1", "https://x/y?sig=***&a=1"),
            ("password%3Dhunter2canary", "password%3D***"),
            ("the key AKIAIOSFODNN7EXAMPLE is used", "the key *** is used"),
            ("key=ASIAIOSFODNN7EXAMPLE", "key=***"),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "***"),
            ("-----BEGIN RSA PRIVATE KEY----- hunter2canary", "***"),
            (&format!("got {jwt}!"), "got ***!"),
            ("ghs_hunter2canaryhunter2canary", "***"),
            ("DB_PASS=hunter2canary next", "DB_PASS=*** next"),
            ("MYSQL_PWD=hunter2canary", "MYSQL_PWD=***"),
            ("smtp_pass: hunter2canary", "smtp_pass: ***"),
            ("REDIS_AUTH=hunter2canary", "REDIS_AUTH=***"),
            ("dbPwd=hunter2canary", "dbPwd=***"),
            ("db.pass.2=hunter2canary", "db.pass.2=***"),
            (r#"{"userPass":"hunter2canary","n":1}"#, r#"{"userPass":***,"n":1}"#),
            ("mysql --password hunter2canary --host db", "mysql --password *** --host db"),
            ("postgres://ada:hun/ter2canary@db/x", "postgres://***@db/x"),
            ("session=hunter2canary; sessionId=hunter2canary", "session=*** sessionId=***"),
            ("password: correct horse hunter2canary", "password: ***"),
            ("sk_test_hunter2canaryhunter2canary", "***"),
            ("npm_hunter2canaryhunter2canaryhunter2ca", "***"),
            ("SG.hunter2canaryhunter2.canaryhunter2canaryhunter2", "***"),
            ("from 203.0.113.7:443, 2600:1f18::7 and ada+x@example.com.", "from ***:443, *** and ***."),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn what_explains_a_failure_is_not_masked() {
        for text in [
            "thread 'main' panicked at src/main.rs:12:5: no entry found for key",
            "Unexpected token < in JSON at position 0",
            "password: null",
            r#"{"token":null,"n":1}"#,
            "Error: connect ECONNREFUSED 127.0.0.1:5432",
            "commit 0123456789abcdef0123456789abcdef01234567",
            "https://example.com/a@b",
            "secrets::load failed",
            "a basic test",
            "author=ada passed=3 authorized=yes session_count=4 auth_mode=iam bypass=no sessions=2 authority: x",
            "--password --host db",
            "npm_config_registry=x npm_package_version_of_this_project=1 MSG.some_long_name_of_a_message_of_ours",
            "password: null, n: 1",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn masking_takes_time_in_proportion_to_the_text() {
        let begun = std::time::Instant::now();
        for line in ["a", "0f", "A", "://", "-----BEGIN ", "@", "1.", "2:", "a@", "sk-", "password "] {
            let _ = masked(&line.repeat(128 * 1024 / line.len()));
        }
        // A quadratic search takes minutes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_around_a_secret_uncovers_it(
            before in "[ -~äß\u{1f600}]{0,30}",
            name in "(db_|X-|my)?(password|Passwd|SECRET|token|api[_-]?key|access_key|Signature)(_2)?",
            sign in "(=| = |: |:|=>|\": \"|\\\\\": \\\\\"|': ')",
            after in "( [ -~ä]{0,30})?",
        ) {
            let line = format!("{before} {name}{sign}{SECRET}{after}");
            // Another copy of it is not after the name.
            prop_assume!(!after.contains(SECRET));
            prop_assert!(!masked(&line).contains(SECRET), "{line}: {}", masked(&line));
        }

        #[test]
        fn masking_ends_whatever_the_text_is(text in any::<String>()) {
            let once = masked(&text);
            prop_assert!(once.chars().count() <= 3 * text.chars().count().max(1));
        }
    }
}

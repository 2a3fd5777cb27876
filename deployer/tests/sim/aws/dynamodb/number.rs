//! Numbers as DynamoDB keeps them: decimal, with up to 38 digits.

use std::cmp::Ordering;

/// Whole digits that fit, and the exponents that do.
const DIGITS: usize = 38;
const LARGEST: i32 = 126;
const SMALLEST: i32 = -129;

/// `sign * 0.digits * 10^point`; zero has no digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    point: i32,
    digits: String,
}

impl Number {
    /// # Errors
    /// The message that DynamoDB refuses it with.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let bad = || match text {
            "" => "The parameter cannot be converted to a numeric value".to_owned(),
            _ => format!("The parameter cannot be converted to a numeric value: {text}"),
        };
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let exponent: i32 = exponent.parse().map_err(|_| bad())?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) || exponent.abs() > 1000 {
            return Err(bad());
        }
        let significant = all.trim_start_matches('0');
        let leading = i32::try_from(all.len() - significant.len()).map_err(|_| bad())?;
        let point = i32::try_from(whole.len()).map_err(|_| bad())? + exponent - leading;
        Self::of(negative, significant, point)
    }

    fn of(negative: bool, significant: &str, point: i32) -> Result<Self, String> {
        let digits = significant.trim_end_matches('0');
        if digits.is_empty() {
            return Ok(Self { negative: false, point: 0, digits: String::new() });
        }
        if digits.len() > DIGITS {
            return Err("Attempting to store more than 38 significant digits in a Number".to_owned());
        }
        if point > LARGEST {
            let words = "Number overflow. Attempting to store a number with magnitude larger than supported range";
            return Err(words.to_owned());
        }
        if point < SMALLEST {
            let words = "Number underflow. Attempting to store a number with magnitude smaller than supported range";
            return Err(words.to_owned());
        }
        Ok(Self { negative, point, digits: digits.to_owned() })
    }

    /// Its plain form, which is what DynamoDB gives back: `1E2` is `100`.
    pub(super) fn text(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let length = i32::try_from(self.digits.len()).unwrap_or_default();
        match self.point {
            _ if self.digits.is_empty() => "0".to_owned(),
            point if point <= 0 => format!("{sign}0.{}{}", zeros(-point), self.digits),
            point if point >= length => format!("{sign}{}{}", self.digits, zeros(point - length)),
            point => {
                let (whole, fraction) = self.digits.split_at(usize::try_from(point).unwrap_or_default());
                format!("{sign}{whole}.{fraction}")
            }
        }
    }

    /// The bytes that it takes: one for each two digits, and one; another for a minus.
    pub(super) fn size(&self) -> usize {
        self.digits.len().div_ceil(2) + 1 + usize::from(self.negative)
    }

    /// # Errors
    /// The sum has too many digits.
    pub(super) fn plus(&self, other: &Self) -> Result<Self, String> {
        let scale = self.last().min(other.last());
        let sum = self.scaled(scale).zip(other.scaled(scale)).and_then(|(one, two)| one.checked_add(two));
        let sum = sum.ok_or("Attempting to store more than 38 significant digits in a Number")?;
        let digits = sum.unsigned_abs().to_string();
        let point = i32::try_from(digits.len()).unwrap_or_default() + scale;
        Self::of(sum < 0, digits.trim_start_matches('0'), point)
    }

    pub(super) fn negated(&self) -> Self {
        Self { negative: !self.negative && !self.digits.is_empty(), ..self.clone() }
    }

    /// The exponent of its last digit.
    fn last(&self) -> i32 {
        self.point - i32::try_from(self.digits.len()).unwrap_or_default()
    }

    /// How many times `10^scale` it is.
    fn scaled(&self, scale: i32) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let factor = 10_i128.checked_pow(u32::try_from(self.last() - scale).ok()?)?;
        let value = self.digits.parse::<i128>().ok()?.checked_mul(factor)?;
        Some(if self.negative { -value } else { value })
    }
}

fn zeros(count: i32) -> String {
    "0".repeat(usize::try_from(count).unwrap_or_default())
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let magnitude = || self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits));
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            -1 => magnitude().reverse(),
            0 => Ordering::Equal,
            _ => magnitude(),
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn numbers_have_one_form_and_an_order() {
        for (text, plain) in [("007.50", "7.5"), ("1E2", "100"), ("-0", "0"), ("1e-3", "0.001"), ("-12.5e1", "-125")] {
            assert_eq!(number(text).text(), plain, "{text}");
        }
        let sorted = ["-10", "-9.5", "-0.1", "0", "0.09", "0.1", "2", "10", "1e20"];
        assert!(sorted.windows(2).all(|pair| number(pair[0]) < number(pair[1])));
    }

    #[test]
    fn sums_are_exact_and_odd_texts_are_refused() {
        assert_eq!(number("0.1").plus(&number("0.2")).unwrap().text(), "0.3");
        assert_eq!(number("5").plus(&number("7").negated()).unwrap().text(), "-2");
        assert_eq!(number("3").plus(&number("3").negated()).unwrap().text(), "0");
        for text in ["", "x", "1.2.3", "--1", &"1".repeat(39), "1e127", "1e-200"] {
            assert!(Number::parse(text).is_err(), "{text}");
        }
    }
}

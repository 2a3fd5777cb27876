//! The part of CBOR (RFC 8949) that the protocol RPC v2 CBOR uses.

use super::wire::Reply;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cbor {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Cbor>),
    Map(Vec<(String, Cbor)>),
    /// Seconds since 1970.
    Time(f64),
}

impl From<&str> for Cbor {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Cbor {
    /// A map of what there is.
    pub(crate) fn map<const N: usize>(pairs: [(&str, Cbor); N]) -> Self {
        Self::Map(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Cbor> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    /// The texts of a list; none if it is not a list.
    pub(crate) fn texts(&self) -> Vec<String> {
        let Self::List(items) = self else { return Vec::new() };
        items.iter().filter_map(Self::text).map(str::to_owned).collect()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Null => bytes.push(0xf6),
            Self::Bool(value) => bytes.push(if *value { 0xf5 } else { 0xf4 }),
            Self::Int(number) if *number < 0 => head(bytes, 1, (-1 - number).unsigned_abs()),
            Self::Int(number) => head(bytes, 0, number.unsigned_abs()),
            Self::Float(number) => {
                bytes.push(0xfb);
                bytes.extend(number.to_be_bytes());
            }
            Self::Text(text) => {
                head(bytes, 3, text.len() as u64);
                bytes.extend(text.as_bytes());
            }
            Self::Bytes(data) => {
                head(bytes, 2, data.len() as u64);
                bytes.extend(data);
            }
            Self::List(items) => {
                head(bytes, 4, items.len() as u64);
                items.iter().for_each(|item| item.write(bytes));
            }
            Self::Map(pairs) => {
                head(bytes, 5, pairs.len() as u64);
                for (name, value) in pairs {
                    Self::from(name.as_str()).write(bytes);
                    value.write(bytes);
                }
            }
            Self::Time(seconds) => {
                head(bytes, 6, 1);
                Self::Float(*seconds).write(bytes);
            }
        }
    }

    /// The value that the bytes are; none if they are not exactly one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { bytes, depth: 0 };
        let value = reader.value()??;
        reader.bytes.is_empty().then_some(value)
    }
}

fn head(bytes: &mut Vec<u8>, major: u8, number: u64) {
    let major = major << 5;
    match number {
        0..=23 => bytes.push(major | number as u8),
        24..=0xff => bytes.extend([major | 24, number as u8]),
        0x100..=0xffff => {
            bytes.push(major | 25);
            bytes.extend((number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            bytes.push(major | 26);
            bytes.extend((number as u32).to_be_bytes());
        }
        _ => {
            bytes.push(major | 27);
            bytes.extend(number.to_be_bytes());
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    depth: u8,
}

/// What bounds nesting: AWS's own decoders give up somewhere too.
const DEEPEST: u8 = 64;

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn number(&mut self, detail: u8) -> Option<u64> {
        let width = match detail {
            0..=23 => return Some(u64::from(detail)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        Some(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The next value; an inner `None` for the break that ends a list or map without a length.
    fn value(&mut self) -> Option<Option<Cbor>> {
        self.depth = self.depth.checked_add(1).filter(|depth| *depth <= DEEPEST)?;
        let first = self.take(1)?[0];
        let (major, detail) = (first >> 5, first & 31);
        let value = match major {
            0 => Cbor::Int(i64::try_from(self.number(detail)?).ok()?),
            1 => Cbor::Int(-1 - i64::try_from(self.number(detail)?).ok()?),
            2 | 3 => self.text(major, detail)?,
            4 => self.list(detail)?,
            5 => self.map(detail)?,
            6 => match (self.number(detail)?, self.value()??) {
                (1, Cbor::Float(seconds)) => Cbor::Time(seconds),
                (1, Cbor::Int(seconds)) => Cbor::Time(seconds as f64),
                (_, value) => value,
            },
            _ => match detail {
                31 => {
                    self.depth -= 1;
                    return Some(None);
                }
                20 | 21 => Cbor::Bool(detail == 21),
                22 | 23 => Cbor::Null,
                26 => Cbor::Float(f64::from(f32::from_bits(u32::try_from(self.number(26)?).ok()?))),
                27 => Cbor::Float(f64::from_bits(self.number(27)?)),
                _ => return None,
            },
        };
        self.depth -= 1;
        Some(Some(value))
    }

    fn text(&mut self, major: u8, detail: u8) -> Option<Cbor> {
        let length = usize::try_from(self.number(detail)?).ok()?;
        let bytes = self.take(length)?.to_vec();
        if major == 2 { Some(Cbor::Bytes(bytes)) } else { String::from_utf8(bytes).ok().map(Cbor::Text) }
    }

    fn list(&mut self, detail: u8) -> Option<Cbor> {
        let length = if detail == 31 { u64::MAX } else { self.number(detail)? };
        let mut items = Vec::new();
        for _ in 0..length {
            match self.value()? {
                Some(item) => items.push(item),
                None if detail == 31 => break,
                None => return None,
            }
        }
        Some(Cbor::List(items))
    }

    fn map(&mut self, detail: u8) -> Option<Cbor> {
        let length = if detail == 31 { u64::MAX } else { self.number(detail)? };
        let mut pairs = Vec::new();
        for _ in 0..length {
            match self.value()? {
                Some(Cbor::Text(name)) => pairs.push((name, self.value()??)),
                None if detail == 31 => break,
                _ => return None,
            }
        }
        Some(Cbor::Map(pairs))
    }
}

/// A response in CBOR.
pub(crate) fn reply(status: u16, body: &Cbor) -> Reply {
    let headers = [("content-type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Reply { status, headers, body: body.encode() }
}

/// An error. CloudWatch used to speak the query protocol: its codes there are in a header, and count (`awsQueryCompatible`).
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    reply(status, &Cbor::map([("__type", code.into()), ("message", message.into())]))
        .with("x-amzn-query-error", &format!("{code};{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_value_is_read_back() {
        let value = Cbor::map([
            ("a", Cbor::List(vec![Cbor::Int(-500), Cbor::Int(70_000), Cbor::Bool(true), Cbor::Null])),
            ("b", Cbor::Time(1_700_000_000.5)),
            ("c", Cbor::Text("x".repeat(300))),
        ]);
        assert_eq!(Cbor::decode(&value.encode()).unwrap(), value);
    }

    #[test]
    fn maps_and_lists_without_a_length_end_at_the_break() {
        let bytes = [0xbf, 0x61, b'n', 0x9f, 0x61, b'x', 0xff, 0x61, b'm', 0x18, 100, 0xff];
        let value = Cbor::decode(&bytes).unwrap();
        assert_eq!(value.get("n").unwrap().texts(), ["x"]);
        assert_eq!(value.get("m").unwrap().int(), Some(100));
        for end in 0..bytes.len() {
            assert_eq!(Cbor::decode(&bytes[..end]), None, "{end}");
        }
        assert_eq!(Cbor::decode(&[0x9f; 500]), None);
    }
}

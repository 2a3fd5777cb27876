//! The body of an upload: in chunks or not, and with a checksum or without.

use base64::Engine as _;

use super::super::wire::{Reply, Request};
use super::error;

/// The bytes that are to be stored.
pub(super) fn sent(request: &Request) -> Result<Vec<u8>, Reply> {
    // The encoding, or the hash that stands for a signed sequence of chunks: `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    let chunked = request.header("content-encoding").is_some_and(|encoding| encoding.contains("aws-chunked"))
        || request.header("x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING-"));
    let (bytes, trailer) =
        if chunked { dechunked(&request.body).ok_or_else(incomplete)? } else { (request.body.clone(), None) };
    let announced = request.header("x-amz-decoded-content-length").and_then(|length| length.parse::<usize>().ok());
    if chunked && announced != Some(bytes.len()) {
        return Err(incomplete());
    }
    let checksum = request.header("x-amz-checksum-crc32").map(str::to_owned).or(trailer);
    match checksum {
        Some(checksum) if checksum != crc32_text(&bytes) => {
            let words = "The CRC32 you specified did not match the calculated checksum.";
            Err(error(400, "BadDigest", words))
        }
        _ => Ok(bytes),
    }
}

fn incomplete() -> Reply {
    let words = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    error(400, "IncompleteBody", words)
}

/// The chunks put together, and the checksum of the trailer: `5\r\nhello\r\n0\r\nx-amz-checksum-crc32:…\r\n\r\n`.
fn dechunked(mut rest: &[u8]) -> Option<(Vec<u8>, Option<String>)> {
    let mut bytes = Vec::new();
    loop {
        let line = line(&mut rest)?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            break;
        }
        let (chunk, after) = rest.split_at_checked(size)?;
        bytes.extend(chunk);
        rest = after.strip_prefix(b"\r\n")?;
    }
    let mut checksum = None;
    while let Some(line) = line(&mut rest).filter(|line| !line.is_empty()) {
        if let Some(("x-amz-checksum-crc32", value)) = line.split_once(':') {
            checksum = Some(value.trim().to_owned());
        }
    }
    Some((bytes, checksum))
}

fn line(rest: &mut &[u8]) -> Option<String> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = String::from_utf8(rest[..end].to_vec()).ok()?;
    *rest = &rest[end + 2..];
    Some(line)
}

fn crc32_text(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(crc32(bytes).to_be_bytes())
}

/// CRC-32 of the polynomial that zip has as well.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |crc, byte| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_their_checksum_is_found() {
        let body = b"5;chunk-signature=ab\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(dechunked(body).unwrap(), (b"hello!".to_vec(), Some("AAAAAA==".to_owned())));
        assert_eq!(dechunked(b"5\r\nhel"), None);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}

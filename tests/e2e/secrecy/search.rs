//! Looks for a text in bytes, in every form in which a program may have put it there.

/// Long enough not to be there by chance, and short enough that a form which is cut into pieces still shows.
const PIECE_BYTES: usize = 14;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Something to look for, in one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needle {
    /// The text and its form, for people.
    pub(crate) what: String,
    bytes: Vec<u8>,
}

/// The forms of a text: itself, and pieces of it; UTF-16; hexadecimal digits; base64 at each alignment; JSON escapes.
pub(crate) fn forms(text: &[u8]) -> Vec<Needle> {
    let shown = String::from_utf8_lossy(text).into_owned();
    let mut forms = vec![("as it is", text.to_vec())];
    forms.extend(text.windows(PIECE_BYTES).step_by(PIECE_BYTES / 2).map(|piece| ("in pieces", piece.to_vec())));
    let hex = |digits: fn(&u8) -> String| text.iter().map(digits).collect::<String>().into_bytes();
    forms.push(("in hex", hex(|byte| format!("{byte:02x}"))));
    forms.push(("in HEX", hex(|byte| format!("{byte:02X}"))));
    for alphabet in [BASE64, BASE64_URL] {
        forms.extend((0..3).map(|before| ("in base64", base64(alphabet, text, before))));
    }
    if let Ok(text) = str::from_utf8(text) {
        forms.push(("in UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        forms.push(("in UTF-16", text.encode_utf16().flat_map(u16::to_be_bytes).collect()));
        forms.push(("as JSON", json(text, false).into_bytes()));
        forms.push(("as JSON in ASCII", json(text, true).into_bytes()));
    }
    forms.into_iter().map(|(form, bytes)| Needle { what: format!("{shown:?} {form}"), bytes }).collect()
}

/// The digits that stand for the text alone, whatever `before` bytes and some more around it are encoded with it.
fn base64(alphabet: &[u8; 64], text: &[u8], before: usize) -> Vec<u8> {
    let bits: Vec<bool> = text.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    // Digits begin at multiples of 6 bits, the text at a multiple of 8.
    let skip = (6 - before * 8 % 6) % 6;
    let digit = |bits: &[bool]| alphabet[bits.iter().fold(0, |digit, bit| digit << 1 | usize::from(*bit))];
    bits[skip..].chunks_exact(6).map(digit).collect()
}

fn json(text: &str, in_ascii: bool) -> String {
    let escape = |character: char| match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        character if in_ascii && !character.is_ascii() => {
            character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
        character => character.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Which of the needles are there.
pub(crate) fn find(hay: &[u8], needles: &[Needle]) -> Vec<String> {
    // By the first two bytes, so that every place is looked at once and not once for each needle.
    let mut by_start: Vec<Vec<&Needle>> = vec![Vec::new(); 1 << 16];
    for needle in needles {
        by_start[start(&needle.bytes)].push(needle);
    }
    let mut found = Vec::new();
    for at in 0..hay.len().saturating_sub(1) {
        let here = by_start[start(&hay[at..])].iter().filter(|needle| hay[at..].starts_with(&needle.bytes));
        found.extend(here.map(|needle| format!("{} at byte {at}", needle.what)));
    }
    found
}

fn start(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// A text in its forms as other programs make them, each in the middle of something else.
#[test]
fn every_form_is_found() {
    let text = "a \"señor\" and his \\ marker 0123456789";
    let needles = forms(text.as_bytes());
    let from_elsewhere = [
        "YSAic2XDsW9yIiBhbmQgaGlzIFwgbWFya2VyIDAxMjM0NTY3ODk=",
        "IGEgInNlw7FvciIgYW5kIGhpcyBcIG1hcmtlciAwMTIzNDU2Nzg5",
        "YWJhICJzZcOxb3IiIGFuZCBoaXMgXCBtYXJrZXIgMDEyMzQ1Njc4OQ==",
        r#"{"text": "a \"se\u00f1or\" and his \\ marker 0123456789"}"#,
        r#"{"text":"a \"señor\" and his \\ marker 0123456789"}"#,
    ];
    for hay in from_elsewhere {
        assert!(!find(hay.as_bytes(), &needles).is_empty(), "{hay}");
    }
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let cut = &text.as_bytes()[..30];
    let digits: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
    for hay in [&utf16[..], cut, digits.as_bytes()] {
        assert!(!find(&[b"before", hay, b"after"].concat(), &needles).is_empty());
    }
    for other in ["another text of some length", "a \"señor\"", ""] {
        assert_eq!(find(other.as_bytes(), &needles), Vec::<String>::new());
    }
}

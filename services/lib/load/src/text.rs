//! What is written.

/// In the number of a text, that of its chat stands above the message's: so no chat has the text of another.
const MESSAGE_BITS: u32 = 32;

/// The number of a text, by the number of its chat in this load and that of the message in it.
pub(crate) fn number(chat: usize, message: u64) -> u64 {
    ((chat as u64 + 1) << MESSAGE_BITS) | message
}

/// Texts of one length, each with its number in front.
#[derive(Debug)]
pub(crate) struct Texts {
    filler: String,
    bytes: usize,
}

impl Texts {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { filler: "a runner carries it on. ".chars().cycle().take(bytes).collect(), bytes }
    }

    /// The text of a message.
    pub(crate) fn of(&self, number: u64) -> String {
        let mut text = String::with_capacity(self.bytes);
        text.push_str(&number.to_string());
        text.push(' ');
        text.push_str(&self.filler[..self.bytes.saturating_sub(text.len())]);
        text
    }

    /// Whether this is the text of a message.
    pub(crate) fn is(&self, number: u64, text: &str) -> bool {
        let Some((digits, rest)) = text.split_once(' ') else { return false };
        let is_long = text.len() == self.bytes.max(digits.len() + 1);
        is_long && digits.parse() == Ok(number) && self.filler.as_bytes().starts_with(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_from_all_others() {
        let texts = Texts::new(100);
        for number in [1, 99, u64::MAX] {
            let text = texts.of(number);
            assert_eq!(text.len(), 100);
            assert!(texts.is(number, &text));
            assert!(!texts.is(number - 1, &text));
            for at in 0..100 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1;
                assert!(!texts.is(number, &String::from_utf8(bytes).unwrap()), "byte {at}");
            }
            assert!(!texts.is(number, &text[..99]) && !texts.is(number, &format!("{text}.")));
        }
    }
}

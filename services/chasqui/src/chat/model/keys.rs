//! What keys do.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{
    super::{
        limits::TEXT_BYTES_MAX,
        scroll::{self, Scroll},
    },
    Effect, Model,
};

impl Model {
    pub(super) fn key(&mut self, key: KeyEvent, now: Duration, effects: &mut Vec<Effect>) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let shift = key.modifiers.contains(KeyModifiers::SHIFT);
        match key.code {
            KeyCode::Esc => effects.push(Effect::Leave),
            KeyCode::Char('c') if control => effects.push(Effect::Leave),
            KeyCode::Char('d') if control && self.line.text().is_empty() => effects.push(Effect::Leave),
            KeyCode::Enter if alt || shift || control => self.insert("\n", now),
            KeyCode::Char('j') if control => self.insert("\n", now),
            KeyCode::Enter => self.send(now, effects),
            KeyCode::PageUp => scroll::up(self, scroll::page(self)),
            KeyCode::PageDown => scroll::down(self, scroll::page(self)),
            KeyCode::Up => {
                if !self.line.up() {
                    scroll::up(self, 1);
                }
            }
            KeyCode::Down => {
                if !self.line.down() {
                    scroll::down(self, 1);
                }
            }
            KeyCode::End if control => self.follow(),
            _ => self.edit(key.code, control, alt, now),
        }
    }

    fn edit(&mut self, code: KeyCode, control: bool, alt: bool, now: Duration) {
        let line = &mut self.line;
        let before = line.text().len();
        match code {
            KeyCode::Left if control || alt => line.word_left(),
            KeyCode::Right if control || alt => line.word_right(),
            KeyCode::Left => line.left(),
            KeyCode::Right => line.right(),
            KeyCode::Home => line.home(),
            KeyCode::End => line.end(),
            KeyCode::Backspace if control || alt => line.delete_word(),
            KeyCode::Backspace => line.backspace(),
            KeyCode::Delete => line.delete(),
            KeyCode::Char('a') if control => line.home(),
            KeyCode::Char('e') if control => line.end(),
            KeyCode::Char('b') if alt => line.word_left(),
            KeyCode::Char('f') if alt => line.word_right(),
            KeyCode::Char('h') if control => line.backspace(),
            KeyCode::Char('d') if control => line.delete(),
            KeyCode::Char('w') if control => line.delete_word(),
            KeyCode::Char('u') if control => line.delete_to_start(),
            KeyCode::Char('k') if control => line.delete_to_end(),
            // AltGr is both, and types.
            KeyCode::Char(character) if control == alt => {
                let mut bytes = [0; 4];
                self.insert(character.encode_utf8(&mut bytes), now);
            }
            _ => {}
        }
        if self.line.text().len() != before {
            self.edited(now);
        }
    }

    pub(super) fn insert(&mut self, text: &str, now: Duration) {
        match self.line.insert(text) {
            Ok(()) => self.edited(now),
            Err(_) => self.notify(format!("no room: a message has at most {TEXT_BYTES_MAX} bytes"), now),
        }
    }

    /// Goes to the end.
    pub(super) fn follow(&mut self) {
        self.scroll = Scroll::Following;
    }
}

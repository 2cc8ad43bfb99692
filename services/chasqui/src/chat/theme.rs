//! Colours, which come on top of what the characters say already.

use ratatui::style::{Color, Modifier, Style};

/// What names are told apart by; all are legible on dark and on light.
const NAMES: [u8; 8] = [33, 36, 64, 97, 130, 133, 160, 166];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Theme {
    pub(super) has_colour: bool,
}

impl Theme {
    /// Colours unless `NO_COLOR` is set to something, as <https://no-color.org> has it.
    pub(super) fn of_environment() -> Self {
        Self { has_colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    fn colour(self, foreground: Color) -> Style {
        if self.has_colour { Style::new().fg(foreground) } else { Style::new() }
    }

    fn bubble(self, background: u8) -> Style {
        if self.has_colour { Style::new().fg(Color::Indexed(255)).bg(Color::Indexed(background)) } else { Style::new() }
    }

    pub(super) fn name(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The name of who wrote in a group: always the same for the same name.
    pub(super) fn name_of(self, name: &str) -> Style {
        // FNV-1a.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let colour = NAMES[hash as usize % NAMES.len()];
        if self.has_colour { self.name().fg(Color::Indexed(colour)) } else { self.name() }
    }

    pub(super) fn quiet(self) -> Style {
        if self.has_colour { self.colour(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// What stands back beside what has this style.
    pub(super) fn faint(style: Style) -> Style {
        style.add_modifier(Modifier::DIM)
    }

    /// How messages are reacted to.
    pub(super) fn reaction(self) -> Style {
        self.colour(Color::Cyan)
    }

    pub(super) fn good(self) -> Style {
        self.colour(Color::Green)
    }

    pub(super) fn waiting(self) -> Style {
        self.colour(Color::Yellow)
    }

    pub(super) fn bad(self) -> Style {
        self.colour(Color::Red)
    }

    /// What was read, and where new messages begin.
    pub(super) fn accent(self) -> Style {
        self.colour(Color::Cyan)
    }

    pub(super) fn theirs(self) -> Style {
        self.bubble(237)
    }

    pub(super) fn mine(self) -> Style {
        self.bubble(24)
    }
}

//! Colours, which come on top of what the characters say already.

use ratatui::style::{Color, Modifier, Style};

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

    pub(super) fn quiet(self) -> Style {
        if self.has_colour { self.colour(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
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

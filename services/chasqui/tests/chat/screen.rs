//! On a terminal.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Instant,
};

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

use crate::process::{PATIENCE, Place, nowhere, wait};

/// What takes a terminal over, and gives it back.
const ALTERNATE_ON: &str = "\x1b[?1049h";
const ALTERNATE_OFF: &str = "\x1b[?1049l";

/// A process on a terminal of its own.
struct Terminal {
    child: Child,
    keys: File,
    /// Kept open: its settings are looked at when the process has ended.
    inside: File,
    output: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
}

/// What the screen shows, by row: only moves of the cursor and characters matter, the rest is colours and modes.
fn shown(bytes: &[u8]) -> String {
    let mut rows = vec![[' '; 80]; 24];
    let (mut row, mut column) = (0, 0);
    let text = String::from_utf8_lossy(bytes);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\x1b' {
            if let Some(cell) = rows.get_mut(row).and_then(|row: &mut [char; 80]| row.get_mut(column)) {
                *cell = character;
            }
            column += 1;
            continue;
        }
        // A sequence ends with its first letter.
        let mut sequence = String::new();
        while !sequence.ends_with(|last: char| last.is_ascii_alphabetic())
            && let Some(next) = characters.next()
        {
            sequence.push(next);
        }
        let place = sequence.strip_prefix('[').and_then(|place| place.strip_suffix('H')?.split_once(';'));
        if let Some((to_row, to_column)) = place {
            row = to_row.parse::<usize>().unwrap() - 1;
            column = to_column.parse::<usize>().unwrap() - 1;
        }
    }
    rows.iter().map(|row| row.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
}

impl Terminal {
    fn start(command: &mut Command) -> Self {
        let outside: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&outside).unwrap();
        unlockpt(&outside).unwrap();
        let name = ptsname(&outside, Vec::new()).unwrap();
        let inside = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        tcsetwinsize(&inside, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let side = || Stdio::from(inside.try_clone().unwrap());
        command.stdin(side()).stdout(side()).stderr(side()).env("TERM", "xterm-256color");
        let child = command.spawn().unwrap();
        // The command holds the terminal open.
        *command = Command::new("true");
        let keys = File::from(outside);
        let mut screen = keys.try_clone().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = screen.read(&mut bytes) {
                if count == 0 || sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, inside, output, bytes: Vec::new() }
    }

    fn presses(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen shows this.
    fn until(&mut self, wanted: &str) {
        self.until_told(|bytes| shown(bytes).contains(wanted), wanted);
    }

    fn until_told(&mut self, is_wanted: impl Fn(&[u8]) -> bool, wanted: &str) {
        let end = Instant::now() + PATIENCE;
        while !is_wanted(&self.bytes) {
            let more = self.output.recv_timeout(end.saturating_duration_since(Instant::now()));
            self.bytes.extend(more.unwrap_or_else(|_| panic!("no {wanted:?} on\n{}", shown(&self.bytes))));
        }
    }

    fn was_told(&self, sequence: &str) -> bool {
        self.bytes.windows(sequence.len()).any(|bytes| bytes == sequence.as_bytes())
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.inside).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Waits until the process has ended well and has given everything back.
    fn ends_well(mut self) {
        let status = wait(&mut self.child);
        for off in [ALTERNATE_OFF, "\x1b[?2004l", "\x1b[?1004l", "\x1b[?25h"] {
            self.until_told(|bytes| bytes.windows(off.len()).any(|told| told == off.as_bytes()), off);
        }
        assert!(status.success() && !self.is_raw(), "{status}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_half_typed_line_comes_back_and_so_does_the_terminal() {
    let place = Place::new();
    let url = format!("http://{}", nowhere());
    let mut first = Terminal::start(&mut place.chat(&url, "alice", "bob"));
    first.until("offline");
    assert!(first.is_raw() && first.was_told(ALTERNATE_ON));
    first.presses("sent later\r");
    first.until("…");
    first.presses("half a line");
    place.until_kept("half a line");
    first.presses("\x1b");
    first.ends_well();

    let mut second = Terminal::start(&mut place.chat(&url, "alice", "bob"));
    second.until("half a line");
    second.until("sent later");
    second.presses("\x03");
    second.ends_well();
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let place = Place::new();
    for signal in [Signal::TERM, Signal::HUP] {
        let mut terminal = Terminal::start(&mut place.chat(&format!("http://{}", nowhere()), "alice", "bob"));
        terminal.until("offline");
        terminal.presses("typed at the last moment");
        terminal.until("moment");
        kill_process(Pid::from_child(&terminal.child), signal).unwrap();
        terminal.ends_well();
        place.until_kept("typed at the last moment");
    }
}

#[test]
fn two_screens_show_a_message_and_that_it_was_read() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let mut alice = Terminal::start(place.chat(&url, "alice", "bob").env("NO_COLOR", "1"));
    let mut bob = Terminal::start(place.chat(&url, "bob", "alice").env("NO_COLOR", "1"));
    alice.until("connected");
    bob.until("connected");
    alice.presses("hello\r");
    bob.until("hello");
    alice.until("✓✓ read");
    for mut terminal in [alice, bob] {
        terminal.presses("\x1b");
        terminal.ends_well();
    }
}

#[test]
fn two_screens_show_what_is_done_to_messages() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let mut alice = Terminal::start(place.chat(&url, "alice", "bob").env("NO_COLOR", "1"));
    let mut bob = Terminal::start(place.chat(&url, "bob", "alice").env("NO_COLOR", "1"));
    alice.until("connected");
    bob.until("connected");
    alice.presses("Is it dwon?\r");
    bob.until("#1");
    bob.presses("/reply 1 It is.\r");
    alice.until("↳ #1 alice: Is it dwon?");
    alice.presses("/edit Is it down?\r");
    bob.until("#1 (edited)");
    bob.until("▌ Is it down?");
    alice.presses("/react 2 +1\r");
    alice.until("[+1 1]");
    bob.until("+1 1");
    bob.presses("/edit #1 No.\r");
    bob.until("✗ not_permitted");
    bob.presses("/delete #2\r");
    alice.until("message deleted");
    bob.until("message deleted");
    for mut terminal in [alice, bob] {
        terminal.presses("\x1b");
        terminal.ends_well();
    }
}

#[test]
fn a_group_shows_who_wrote_and_how_many_have_read() {
    let place = Place::new();
    let (_server, url) = place.serve("127.0.0.1:0");
    let start = |me: &str, which: &[&str]| Terminal::start(place.chat_as(&url, me, which).env("NO_COLOR", "1"));
    let mut alice = start("alice", &["--new-group", "The bridge", "--with", "bob", "carol"]);
    alice.until("The bridge · 3 members  ● connected");
    alice.until("alice created the group “The bridge” with bob, carol");
    let mut bob = start("bob", &["--group", "The bridge"]);
    bob.until("● connected");
    alice.presses("It is down.\r");
    bob.until(" alice");
    bob.until("▌ It is down.");
    alice.until("✓ read 1/2");
    bob.presses("/add dave\r");
    bob.until("✗ not_permitted");
    alice.presses("/add dave\r");
    bob.until("alice added dave");
    alice.until("The bridge · 4 members");
    alice.until("alice added dave");
    alice.presses("/who\r");
    alice.until("#1 by alice: delivered to 1 of 2, read by 1");
    alice.until("carol: not yet");
    alice.presses("/remove bob\r");
    bob.until("■ alice removed you from this group");
    bob.presses("still here\r");
    bob.until("not sent: alice removed you from this group.");
    for mut terminal in [alice, bob] {
        terminal.presses("\x1b");
        terminal.ends_well();
    }
}

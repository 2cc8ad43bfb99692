//! Processes of the binary, which end with the test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// Ends a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn chasqui() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chasqui"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CHASQUI_")) {
        command.env_remove(name);
    }
    command.env("TZ", "UTC");
    command
}

/// A process and the lines that it prints.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    complaints: Receiver<String>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let (output, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { input: child.stdin.take(), child, lines: lines(output), complaints: lines(errors) }
    }

    pub(crate) fn write(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for a line that holds this; gives it. Others are passed over.
    pub(crate) fn until(&self, wanted: &str) -> String {
        until(&self.lines, wanted)
    }

    pub(crate) fn until_complaint(&self, wanted: &str) -> String {
        until(&self.complaints, wanted)
    }

    /// Ends the input; gives how the process ended, and the rest of what it printed and complained about.
    pub(crate) fn finish(mut self) -> (ExitStatus, Vec<String>, String) {
        self.input = None;
        let status = wait(&mut self.child);
        (status, self.lines.iter().collect(), self.complaints.iter().collect::<Vec<_>>().join("\n"))
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        wait(&mut self.child);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until the process has ended.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < until, "the process doesn't end");
        thread::sleep(Duration::from_millis(10));
    }
}

fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn until(lines: &Receiver<String>, wanted: &str) -> String {
    let end = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) if line.contains(wanted) => return line,
            Ok(line) => seen.push(line),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                panic!("no line with {wanted:?} among {seen:#?}")
            }
        }
    }
}

/// A folder with everything of a test in it.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A server on this address; gives it with its URL when it is ready.
    pub(crate) fn serve(&self, listen: &str) -> (Process, String) {
        let data = format!("data={}", self.path("data").display());
        let listen = format!("listen={listen}");
        let server = Process::start(chasqui().args(["serve", "--dev", "--set", &data, "--set", &listen]));
        let line = server.until("http://127.0.0.1:");
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        (server, url)
    }

    /// A chat of a user with another. The state is in the state folder, which is in this place.
    pub(crate) fn chat(&self, url: &str, me: &str, peer: &str) -> Command {
        self.chat_as(url, me, &["--with", peer])
    }

    /// A chat of a user, whichever these name.
    pub(crate) fn chat_as(&self, url: &str, me: &str, which: &[&str]) -> Command {
        let mut command = chasqui();
        command.env("XDG_STATE_HOME", self.path("state")).env("HOME", self.path("home"));
        command.args(["chat", "--as", me, "--url", url]).args(which);
        command
    }

    /// Waits until some file of the state folder holds a text.
    pub(crate) fn until_kept(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !holds(&self.path("state"), text) {
            assert!(Instant::now() < end, "{text:?} is not kept");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn holds(folder: &Path, text: &str) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        // Not kept until it stands in the place of the old one.
        if path.extension().is_some_and(|extension| extension == "new") {
            return false;
        }
        std::fs::read_to_string(path).is_ok_and(|content| content.contains(text))
    })
}

/// An address on which nothing listens.
pub(crate) fn nowhere() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The address of a proxy of a server; it hangs up on questions that hold this.
pub(crate) fn proxy_without(refused: &'static [u8], server: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, server) = (listener.local_addr().unwrap(), server.to_owned());
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(&server).unwrap();
            let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || pass_on(from, to, |_| true));
            thread::spawn(move || {
                pass_on(client, server, |bytes| !bytes.windows(refused.len()).any(|it| it == refused))
            });
        }
    });
    address
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, may_pass: impl Fn(&[u8]) -> bool) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !may_pass(&bytes[..count]) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Either may have gone already.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

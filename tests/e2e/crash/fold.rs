//! Has another process decide the recorded commands from nothing, and compares that with what was served.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use chasqui_oracle::{Served, ServedChat, Watermarks};
use chasqui_tests::folded::{Folded, FoldedChat};

/// What was served, and is written, is what the commands give; the options are those of the servers, which have ended.
pub(crate) fn is_what_commands_give(options: &[String], served: &[Served]) -> anyhow::Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_chasqui-fold"))
        .args(options)
        .stdin(Stdio::null())
        .output()
        .context("the commands can't be folded")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the commands can't be folded: {}\n{complaint}", output.status);
    let folded: Folded = serde_json::from_slice(&output.stdout)?;
    ensure!(folded.commands > 0, "there are no commands");
    let mut differences = folded.differences.clone();
    for served in served {
        differences.extend(of_user(&folded, served));
    }
    ensure!(differences.is_empty(), "the recorded commands give something else:\n  {}", differences.join("\n  "));
    Ok(())
}

fn of_user(folded: &Folded, served: &Served) -> Vec<String> {
    let user = &served.user;
    let is_in = |chat: &&FoldedChat| chat.members.iter().any(|(member, _)| member.user == *user);
    let expected: BTreeSet<_> = folded.chats.iter().filter(is_in).map(|chat| &chat.chat).collect();
    let found: BTreeSet<_> = served.chats.iter().map(|chat| &chat.chat).collect();
    let mut differences = Vec::new();
    differ(&mut differences, || format!("the chats of {user}"), &expected, &found);
    for chat in &served.chats {
        if let Some(folded) = folded.chats.iter().find(|folded| folded.chat == chat.chat) {
            of_chat(&mut differences, user, folded, chat);
        }
    }
    differences
}

fn of_chat(differences: &mut Vec<String>, user: &str, folded: &FoldedChat, served: &ServedChat) {
    let what = |field: &str| format!("{field} of {} as served to {user}", served.chat);
    let members: Vec<&Watermarks> = folded.members.iter().map(|(member, _)| member).collect();
    let unread = folded.members.iter().find(|(member, _)| member.user == user).map(|(_, unread)| *unread);
    let other = folded.members.iter().find(|(member, _)| member.user != user).map(|(member, _)| &member.user);
    differ(differences, || what("last_seq"), &folded.last_seq, &served.last_seq);
    differ(differences, || what("last_time"), &folded.last_time, &served.last_time);
    differ(differences, || what("members"), &members, &served.members.iter().collect());
    differ(differences, || what("unread"), &unread, &Some(served.unread));
    differ(differences, || what("with"), &other, &Some(&served.with));
    differ(differences, || what("last_message"), &folded.messages.last(), &served.last_message.as_ref());
    let alike = folded.messages.iter().zip(&served.messages).take_while(|(one, other)| one == other).count();
    let (one, other) = (folded.messages.get(alike), served.messages.get(alike));
    differ(differences, || what(&format!("message {}", alike + 1)), &one, &other);
}

fn differ<T: PartialEq + Debug>(differences: &mut Vec<String>, what: impl Fn() -> String, folded: &T, served: &T) {
    if folded != served {
        differences.push(format!("{}: the commands give {folded:?}, served is {served:?}", what()));
    }
}

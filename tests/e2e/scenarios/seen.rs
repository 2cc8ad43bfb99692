//! Compares what a device sees with what it must see.

use anyhow::{bail, ensure};
use chasqui_client::{End, Update};
use chasqui_domain::{Role, UserId};
use chasqui_wire::frames::{ChangeMade, Changed, Message, NotResumed};

use crate::{
    format::{ChangeSeen, Device, Edit, MessageSeen, React, ReactionSeen, RoleOf, Seen},
    names::Names,
};

/// Whether a device sees what it must.
pub(crate) fn compare(device: &Device, names: &Names, wanted: &Seen, update: &Update) -> anyhow::Result<()> {
    let seen = match update {
        Update::Message(message) => {
            let Seen::Message(wanted) = wanted else { bail!("it sees {message:?}") };
            let chat = wanted.with.as_ref().map(|with| names.chat(&device.user, with)).transpose()?;
            ensure!(chat.is_none_or(|chat| chat == message.chat), "it sees {message:?}");
            return compare_message(wanted, message);
        }
        Update::Changed(changed) => {
            let Seen::Changed(wanted) = wanted else { bail!("it sees {changed:?}") };
            let chat = wanted.with.as_ref().map(|with| names.chat(&device.user, with)).transpose()?;
            ensure!(chat == Some(changed.chat), "it sees {changed:?} of {:?}", names.of_group(changed.chat));
            return compare_change(wanted, changed);
        }
        Update::Done { asked, done } => {
            let repeated = if let Seen::Done { repeated: Some(_), .. } = wanted { Some(done.repeated) } else { None };
            let name = names.of_done(device, asked.as_deref(), done);
            Seen::Done { of: name.cloned().unwrap_or_default(), repeated }
        }
        Update::Connected { resumed, not_resumed, .. } => {
            Seen::Connected { resumed: *resumed, not_resumed: not_resumed.map(|why| reason(why).to_owned()) }
        }
        Update::Disconnected { code, .. } => Seen::Disconnected { code: code.map(|code| code.as_str().to_owned()) },
        Update::CaughtUp => Seen::CaughtUp,
        Update::Sent { sent, .. } => {
            let name = names.of(device, sent.chat, sent.id);
            Seen::Sent { of: name.cloned().unwrap_or_default(), seq: sent.seq.0 }
        }
        Update::Failed(failed) => {
            let of = if failed.id.is_some() { names.of_failed(device, failed) } else { None };
            let with = if let Seen::Failed { with: Some(with), .. } = wanted { Some(with) } else { None };
            let with = with.filter(|with| names.chat(&device.user, with).ok() == failed.chat);
            Seen::Failed { of: of.cloned(), with: with.cloned(), code: failed.code.as_str().to_owned() }
        }
        Update::TokenExpires { .. } => Seen::TokenExpires,
        Update::Renewed { .. } => Seen::Renewed,
        Update::NotRenewed(code) => Seen::NotRenewed { code: code.as_str().to_owned() },
        Update::Ended(End::Refused(code)) => Seen::Ended { code: code.as_str().to_owned() },
        other => bail!("it sees {other:?}"),
    };
    ensure!(*wanted == seen, "it sees {seen:?}");
    Ok(())
}

fn says(wanted: &Option<String>, seen: &str) -> bool {
    wanted.as_ref().is_none_or(|wanted| wanted == seen)
}

/// Whether a message is as it must be.
pub(crate) fn compare_message(wanted: &MessageSeen, message: &Message) -> anyhow::Result<()> {
    let MessageSeen { with: _, seq, from, device, text, reply_to, mentions, meta, edited, deleted, reactions } = wanted;
    let shown = message.reactions.iter().map(|it| ReactionSeen {
        reaction: it.reaction.clone().unwrap_or_default(),
        count: it.count,
        own: it.own,
    });
    let is_same = *seq == message.seq.0
        && says(from, message.from.as_str())
        && says(device, message.device.as_str())
        && (text.is_none() || *text == message.text)
        && (reply_to.is_none() || *reply_to == message.reply_to.map(|seq| seq.0))
        && (meta.is_none() || *meta == message.meta)
        && edited.is_none_or(|edited| edited == message.edited.is_some())
        && deleted.is_none_or(|deleted| deleted == message.deleted.is_some())
        && (message.deleted.is_none() || message.text.is_none() && message.body.is_none())
        && reactions.as_ref().is_none_or(|wanted| shown.eq(wanted.iter().cloned()))
        && mentions.as_ref().is_none_or(|it| message.mentions.iter().map(UserId::as_str).eq(it.iter().map(|it| &**it)));
    ensure!(is_same, "it sees {message:?}");
    Ok(())
}

/// Whether a change is as it must be, wherever it was made.
pub(crate) fn compare_change(wanted: &ChangeSeen, changed: &Changed) -> anyhow::Result<()> {
    let ChangeSeen { by, device, after, .. } = wanted;
    let is_same = *by == changed.by.as_str()
        && says(device, changed.device.as_str())
        && after.is_none_or(|after| after == changed.after.0);
    let made = made(&changed.change);
    let what = |it: &ChangeSeen| {
        let it = it.clone();
        let acts = (it.edit, it.delete, it.react, it.pin, it.unpin);
        (it.created, it.add, it.remove, it.leave, it.role, it.title, it.picture, acts)
    };
    ensure!(is_same && what(wanted) == what(&made), "it sees {changed:?}");
    Ok(())
}

/// What was changed, in the terms of a file.
fn made(change: &ChangeMade) -> ChangeSeen {
    let names = |users: &[UserId]| Some(users.iter().map(UserId::to_string).collect());
    let mut made = ChangeSeen::default();
    match change {
        ChangeMade::Created { users, title, picture } => {
            made.created = names(users);
            (made.title, made.picture) = (title.clone(), picture.clone());
        }
        ChangeMade::Add { users } => made.add = names(users),
        ChangeMade::Remove { user } => made.remove = Some(user.to_string()),
        ChangeMade::Leave {} => made.leave = true,
        ChangeMade::Role { user, role } => {
            made.role = Some(RoleOf { user: user.to_string(), role: role_name(*role).to_owned() });
        }
        ChangeMade::Describe { title, picture } => (made.title, made.picture) = (title.clone(), picture.clone()),
        ChangeMade::Edit(edit) => {
            made.edit = Some(Edit { seq: edit.seq.0, text: edit.text.clone().unwrap_or_default() });
        }
        ChangeMade::Delete { seq } => made.delete = Some(seq.0),
        ChangeMade::React { seq, reaction } => {
            made.react = Some(React { seq: seq.0, reaction: reaction.clone() });
        }
        ChangeMade::Pin { seq } => made.pin = Some(seq.0),
        ChangeMade::Unpin { seq } => made.unpin = Some(seq.0),
    }
    made
}

pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}

fn reason(why: NotResumed) -> &'static str {
    match why {
        NotResumed::NoCursor => "no_cursor",
        NotResumed::TooOld => "too_old",
        NotResumed::OtherLog => "other_log",
        NotResumed::OtherUser => "other_user",
        NotResumed::Malformed => "malformed",
        NotResumed::Unknown => "unknown",
    }
}

//! Who is in a group, who has a message or reacts to it, and what is pinned: asked page by page, answered with lines.

use chasqui_client::{Rest, rest};
use chasqui_domain::{ChatId, Role, Seq, UserId};
use chasqui_wire::frames::{MemberItem, MembersQuery, Message, MessageReceipt, MessagesQuery, UserReaction};

use super::{
    limits::{MEMBER_PAGES_MAX, PAGE_MEMBERS, QUOTE_COLUMNS},
    text::{clean_line, fitting},
    timeline::Item,
};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Members,
    Who(Seq),
    Pinned,
    Reactions(Seq),
}

/// Asks; gives clean lines, of which the first says what they are.
pub(super) async fn ask(rest: Rest, chat: ChatId, question: Question) -> Result<Vec<String>, rest::Error> {
    match question {
        Question::Members => {
            let page = |query| {
                let rest = rest.clone();
                async move { rest.members(chat, &query).await.map(|page| (page.members, page.next)) }
            };
            Ok(members(&all(page).await?))
        }
        Question::Who(seq) => {
            let Some(message) = message(&rest, chat, seq).await? else { return Ok(unknown(seq)) };
            let page = |query| {
                let rest = rest.clone();
                async move { rest.receipts(chat, seq, &query).await.map(|page| (page.members, page.next)) }
            };
            Ok(who(seq, &message.from, &all(page).await?))
        }
        Question::Pinned => {
            let seqs = rest.chat(chat).await?.map(|item| item.pinned).unwrap_or_default();
            let mut items = Vec::with_capacity(seqs.len());
            for seq in seqs {
                items.extend(message(&rest, chat, seq).await?.map(Item::from));
            }
            Ok(pinned(&items))
        }
        Question::Reactions(seq) => {
            if message(&rest, chat, seq).await?.is_none() {
                return Ok(unknown(seq));
            }
            let page = |query| {
                let rest = rest.clone();
                async move { rest.reactions(chat, seq, &query).await.map(|page| (page.users, page.next)) }
            };
            Ok(reactions(seq, &all(page).await?))
        }
    }
}

fn unknown(seq: Seq) -> Vec<String> {
    vec![format!("#{seq}: there is no such message that you may see")]
}

/// A message as it is now; none when there is no such message.
pub(super) async fn message(rest: &Rest, chat: ChatId, seq: Seq) -> Result<Option<Message>, rest::Error> {
    let after = Some(Seq(seq.0.saturating_sub(1)));
    let query = MessagesQuery { after, limit: Some(1), ..MessagesQuery::default() };
    let page = rest.messages(chat, &query).await?;
    Ok(page.messages.into_iter().find(|message| message.seq == seq))
}

async fn all<T, F>(page: impl Fn(MembersQuery) -> F) -> Result<Vec<T>, rest::Error>
where
    F: Future<Output = Result<(Vec<T>, Option<UserId>), rest::Error>>,
{
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..MEMBER_PAGES_MAX {
        let (items, next) = page(MembersQuery { limit: Some(PAGE_MEMBERS), after }).await?;
        all.extend(items);
        after = next;
        if after.is_none() {
            break;
        }
    }
    Ok(all)
}

fn members(members: &[MemberItem]) -> Vec<String> {
    let role = |role| match role {
        Role::Member => "",
        Role::Admin => " (admin)",
        Role::Owner => " (owner)",
    };
    let line = |member: &MemberItem| format!("  {}{}", clean_line(member.user.as_str()), role(member.role));
    let head = counted(members.len());
    std::iter::once(head).chain(members.iter().map(line)).collect()
}

fn who(seq: Seq, author: &UserId, members: &[MessageReceipt]) -> Vec<String> {
    let others: Vec<&MessageReceipt> = members.iter().filter(|member| member.user != *author).collect();
    let state = |member: &MessageReceipt| match (member.read, member.delivered) {
        (true, _) => "read",
        (false, true) => "delivered",
        (false, false) => "not yet",
    };
    let line = |member: &&MessageReceipt| format!("  {}: {}", clean_line(member.user.as_str()), state(member));
    let read = others.iter().filter(|member| member.read).count();
    let delivered = others.iter().filter(|member| member.read || member.delivered).count();
    let (author, of) = (clean_line(author.as_str()), others.len());
    let head = format!("#{seq} by {author}: delivered to {delivered} of {of}, read by {read}");
    std::iter::once(head).chain(others.iter().map(line)).collect()
}

/// The first words of a message, for who knows it already.
pub(super) fn quote(item: &Item) -> String {
    let text = item.text.replace('\n', "⏎");
    format!("{}: {}", clean_line(item.from.as_str()), fitting(&text, QUOTE_COLUMNS))
}

fn pinned(items: &[Item]) -> Vec<String> {
    let head = match items.len() {
        0 => "nothing is pinned".to_owned(),
        1 => "1 message is pinned".to_owned(),
        count => format!("{count} messages are pinned"),
    };
    let line = |item: &Item| format!("  #{} {}", item.seq, quote(item));
    std::iter::once(head).chain(items.iter().map(line)).collect()
}

fn reactions(seq: Seq, users: &[UserReaction]) -> Vec<String> {
    let head = match users.len() {
        0 => format!("#{seq}: nobody reacts to it"),
        1 => format!("#{seq}: 1 reaction"),
        count => format!("#{seq}: {count} reactions"),
    };
    let line = |it: &UserReaction| {
        let reaction = it.reaction.as_deref().map_or_else(|| "?".to_owned(), clean_line);
        format!("  {}: {reaction}", clean_line(it.user.as_str()))
    };
    std::iter::once(head).chain(users.iter().map(line)).collect()
}

/// Such as `5 members`.
pub(super) fn counted(members: impl TryInto<u64>) -> String {
    match members.try_into().unwrap_or(u64::MAX) {
        1 => "1 member".to_owned(),
        count => format!("{count} members"),
    }
}

#[cfg(test)]
mod tests {
    use chasqui_domain::TimeMs;

    use super::{
        super::testing::{message, user},
        *,
    };

    #[test]
    fn members_are_listed_with_what_they_may_do() {
        let of = |name: &str, role| MemberItem { user: user(name), role, joined: TimeMs(0) };
        let all = [of("a\u{202e}", Role::Owner), of("bob", Role::Admin), of("carol", Role::Member)];
        assert_eq!(members(&all), ["3 members", "  a\u{fffd} (owner)", "  bob (admin)", "  carol"]);
        assert_eq!(members(&all[..1])[0], "1 member");
    }

    #[test]
    fn a_message_is_read_delivered_or_neither() {
        let of = |name: &str, delivered, read| MessageReceipt { user: user(name), delivered, read };
        let all = [of("alice", true, true), of("bob", true, false), of("carol", false, false)];
        let head = "#7 by alice: delivered to 1 of 2, read by 0";
        assert_eq!(who(Seq(7), &user("alice"), &all), [head, "  bob: delivered", "  carol: not yet"]);
        let head = "#8 by eve: delivered to 2 of 3, read by 1";
        assert_eq!(who(Seq(8), &user("eve"), &all)[..2], [head, "  alice: read"]);
    }

    #[test]
    fn pinned_messages_and_reactions_are_listed() {
        let item = |seq, text: &str| Item::from(message(seq, "b\u{202e}ob", text));
        assert_eq!(pinned(&[]), ["nothing is pinned"]);
        assert_eq!(pinned(&[item(3, "a\nb")]), ["1 message is pinned", "  #3 b\u{fffd}ob: a⏎b"]);
        assert!(pinned(&[item(1, "a"), item(2, &"x".repeat(200))])[2].ends_with("x…"));
        let of = |name: &str, reaction: Option<&str>| {
            let reaction = reaction.map(str::to_owned);
            UserReaction { user: user(name), reaction }
        };
        let lines = reactions(Seq(7), &[of("alice", Some("👍")), of("bob", Some("a\x1b")), of("eve", None)]);
        assert_eq!(lines, ["#7: 3 reactions", "  alice: 👍", "  bob: a␛", "  eve: ?"]);
        assert_eq!(reactions(Seq(7), &[]), ["#7: nobody reacts to it"]);
    }

    #[tokio::test]
    async fn pages_are_asked_for_until_there_are_no_more_and_not_for_ever() {
        let asked = std::cell::Cell::new(0);
        let page = |query: MembersQuery| {
            assert_eq!(query.after.is_some(), asked.get() > 0);
            asked.set(asked.get() + 1);
            std::future::ready(Ok((vec![asked.get()], (asked.get() != 3).then(|| user("next")))))
        };
        assert_eq!(all(page).await.unwrap(), [1, 2, 3]);
        let endless = |_| std::future::ready(Ok((vec![()], Some(user("next")))));
        assert_eq!(all(endless).await.unwrap().len(), MEMBER_PAGES_MAX);
    }
}

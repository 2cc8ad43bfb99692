//! Who is in a group and who has a message: asked page by page, and answered with lines.

use chasqui_client::{Rest, rest};
use chasqui_domain::{ChatId, Role, Seq, UserId};
use chasqui_wire::frames::{MemberItem, MembersQuery, MessageReceipt, MessagesQuery};

use super::{
    limits::{MEMBER_PAGES_MAX, PAGE_MEMBERS},
    text::clean_line,
};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Members,
    Who(Seq),
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
            let Some(author) = author(&rest, chat, seq).await? else {
                return Ok(vec![format!("#{seq}: there is no such message that you may see")]);
            };
            let page = |query| {
                let rest = rest.clone();
                async move { rest.receipts(chat, seq, &query).await.map(|page| (page.members, page.next)) }
            };
            Ok(who(seq, &author, &all(page).await?))
        }
    }
}

/// Who wrote a message, and is not waited for; none when there is no such message.
async fn author(rest: &Rest, chat: ChatId, seq: Seq) -> Result<Option<UserId>, rest::Error> {
    let after = Some(Seq(seq.0.saturating_sub(1)));
    let query = MessagesQuery { after, limit: Some(1), ..MessagesQuery::default() };
    let page = rest.messages(chat, &query).await?;
    Ok(page.messages.into_iter().find(|message| message.seq == seq).map(|message| message.from))
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

    use super::{super::testing::user, *};

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

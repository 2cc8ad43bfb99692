//! What a chat is and how it changes: pure, synchronous and deterministic.
//!
//! [`decide`] turns a command into events and effects, [`Chat::apply`] and [`Message::apply`] fold an event into the states, and
//! [`Chat::validate`] states what always holds. Nothing here awaits, logs, or reads a clock, randomness or map order:
//! deciding the same commands again gives the same bytes, which is what lets a new owner of a chat repeat the work of
//! an old one.

pub mod change;
pub mod chat;
pub mod command;
pub mod event;
pub mod ids;
pub mod partition;
pub mod rules;

pub use change::{Change, Joined, Profile, ProfilePart, Reaction, ReactionTag, Role, Target};
pub use chat::{Chat, Member, Message, MessageReaction, decide::decide};
pub use command::{Action, Command, Create, Sealed, Send};
pub use event::{AuthorCounts, Decision, Effect, Entry, Event, EventKind, GroupCounts, MessageCount, Refusal};
pub use ids::{
    ChatId, ContentType, Counter, Day, DeviceId, Epoch, GatewayId, IdError, Incarnation, LogId, Offset, Partition,
    Position, Seq, SessionId, Source, Term, TimeMs, UserId, Version,
};
pub use rules::{Rules, RulesNumber, UnknownRules};

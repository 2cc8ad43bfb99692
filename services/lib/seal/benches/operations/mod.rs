//! What a gateway does with each body.

use std::hint::black_box;

use chasqui_domain::{ChatId, Epoch, UserId};
use chasqui_seal::{Context, DataKey, NONCE_BYTES};

const PLAINTEXT: [u8; 100] = [7; 100];

/// One of them, and its name.
pub(crate) type Operation = (&'static str, Box<dyn Fn()>);

/// All of them.
pub(crate) fn all() -> Vec<Operation> {
    let sender = UserId::new("alice@example.org").unwrap();
    let chat = ChatId::direct(&sender, &UserId::new("bob@example.org").unwrap());
    let key = || DataKey::from_random([3; 32]);
    let nonce = [5; NONCE_BYTES];
    let epoch = Epoch(1);
    let sealed = key().seal(&PLAINTEXT, &Context { chat: &chat, sender: &sender, epoch }, nonce);
    let (sealing, opening, writer) = (key(), key(), sender.clone());
    let seal = move || {
        let context = Context { chat: &chat, sender: &writer, epoch };
        drop(black_box(sealing.seal(black_box(&PLAINTEXT), &context, nonce)));
    };
    let open = move || {
        let context = Context { chat: &chat, sender: &sender, epoch };
        drop(black_box(opening.open(black_box(&sealed), &context).unwrap()));
    };
    vec![("seal 100 bytes", Box::new(seal)), ("open 100 bytes", Box::new(open))]
}

//! Known answers: what was sealed once must open forever, so these bytes never change. Another implementation of the
//! documented layout made them.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use chasqui_domain::{ChatId, Epoch, UserId};
use chasqui_seal::{Context, DataKey, MasterKey};

/// The bytes 0x80 to 0x9f.
const MASTER_KEY: &str = "gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp8=";
const SEALED: &str = "404142434445464748494a4b4c4d4e4f5051525354555657b34bc6ccb59a104da23cdc031714cc70d56bc47c95ab46";
const WRAPPED: &str = "606162636465666768696a6b6c6d6e6f7071727374757677d1011037b4784afde593e9a059534ffd1a2300cce3ffdeb0b0ab5a09bfe36ef1db18d6ec42a985a81362803ccfe899ab";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `N` bytes that count up from `first`.
fn counting<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|index| first + u8::try_from(index).unwrap())
}

fn people() -> (UserId, ChatId) {
    let alice = UserId::new("alice").unwrap();
    let chat = ChatId::direct(&alice, &UserId::new("bob").unwrap());
    (alice, chat)
}

#[test]
fn the_layout_of_a_sealed_body_never_changes() {
    let (alice, chat) = people();
    let context = Context { chat: &chat, sender: &alice, epoch: Epoch(3) };
    let key = DataKey::from_random(counting(0x00));
    let sealed = key.seal("grüezi".as_bytes(), &context, counting(0x40));
    assert_eq!(hex(&sealed), SEALED);
}

#[test]
fn the_layout_of_a_wrapped_key_never_changes() {
    let (_, chat) = people();
    let master = MasterKey::from_base64(MASTER_KEY).unwrap();
    let wrapped = master.wrap(&DataKey::from_random(counting(0x00)), &chat, Epoch(3), counting(0x60));
    assert_eq!(hex(&wrapped), WRAPPED);
}

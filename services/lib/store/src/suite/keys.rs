//! The table of data keys.

use chasqui_domain::Epoch;

use super::{Factory, chat};
use crate::WRAPPED_KEY_BYTES;

/// Later creations are answered with what stands there.
pub async fn a_key_is_created_once(factory: &dyn Factory) {
    let subject = factory.open().await;
    let keys = &subject.keys;
    let (one, other) = ([1; WRAPPED_KEY_BYTES], [2; WRAPPED_KEY_BYTES]);
    assert_eq!(keys.create_key(chat("bob"), Epoch(1), one).await.unwrap(), one);
    assert_eq!(keys.create_key(chat("bob"), Epoch(1), other).await.unwrap(), one);
    assert_eq!(keys.create_key(chat("bob"), Epoch(2), other).await.unwrap(), other);
    assert_eq!(keys.key(chat("bob"), Epoch(1)).await.unwrap(), Some(one));
    assert_eq!(keys.key(chat("bob"), Epoch(2)).await.unwrap(), Some(other));
    assert_eq!(keys.key(chat("bob"), Epoch(3)).await.unwrap(), None);
    assert_eq!(keys.key(chat("carol"), Epoch(1)).await.unwrap(), None);
    let Some(subject) = factory.reopen(subject).await else { return };
    assert_eq!(subject.keys.key(chat("bob"), Epoch(1)).await.unwrap(), Some(one));
    assert_eq!(subject.keys.create_key(chat("bob"), Epoch(2), one).await.unwrap(), other);
}

/// All of them are answered with the winner's key, and it stands there.
pub async fn of_concurrent_creations_one_wins(factory: &dyn Factory) {
    let keys = factory.open().await.keys;
    for round in 1..=10 {
        let mut creations = tokio::task::JoinSet::new();
        for candidate in 0..20u8 {
            let keys = keys.clone();
            creations.spawn(async move {
                // Some for other chats, so that what is written together is mixed.
                let chat = chat(if candidate % 5 == 0 { "carol" } else { "bob" });
                (chat, keys.create_key(chat, Epoch(round), [candidate; WRAPPED_KEY_BYTES]).await.unwrap())
            });
        }
        let answers = creations.join_all().await;
        for (chat, answer) in answers {
            assert_eq!(keys.key(chat, Epoch(round)).await.unwrap(), Some(answer));
        }
    }
}

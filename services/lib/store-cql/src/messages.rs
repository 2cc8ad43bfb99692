//! What has become of messages, and the bodies that are gone with that.

use std::ops::Range;

use chasqui_domain::{ChatId, Seq, Version};
use chasqui_store::{Error, MessageRow, MessageUpdate, Stream, seqs_of_read};

use crate::{
    CqlStore, buckets,
    cluster::Sized,
    events::{bucket_at, column},
    limits::MESSAGES_OF_BUCKET,
    numbers::{bigint, ends, number},
};

impl CqlStore {
    /// Writes what is new of messages of a chat. Who sees a row without its body finds that its message has changed, so
    /// bodies go last.
    pub(crate) async fn put_messages(
        &self,
        chat: ChatId,
        version: i64,
        mut messages: Vec<MessageUpdate>,
    ) -> Result<(), Error> {
        messages.sort_by_key(|message| message.seq);
        let mut erased: Vec<_> = messages.iter().flat_map(|message| &message.erased).copied().collect();
        erased.sort_unstable();
        let together = messages.chunk_by(|one, next| bucket_of(one.seq) == bucket_of(next.seq));
        let together: Vec<_> = together.map(<[_]>::to_vec).collect();
        self.cluster.all(together.into_iter().map(|messages| self.put_states(chat, version, messages))).await?;
        let at = |&(stream, version): &(Stream, Version)| bucket_at(chat, stream, version);
        let together: Vec<_> = erased.chunk_by(|one, next| at(one) == at(next)).map(<[_]>::to_vec).collect();
        self.cluster.all(together.into_iter().map(|rows| self.erase_bodies(chat, version, rows))).await?;
        Ok(())
    }

    /// Those of one bucket.
    async fn put_states(&self, chat: ChatId, version: i64, messages: Vec<MessageUpdate>) -> Result<(), Error> {
        let row = |message: &MessageUpdate| {
            let seq = bigint(message.seq.0)?;
            let values = (chat.as_bytes().to_vec(), bucket_of(message.seq), seq, message.state.to_vec(), version);
            Ok(Sized { bytes: message.state.len(), values })
        };
        let rows = messages.iter().map(row).collect::<Result<Vec<_>, Error>>()?;
        self.cluster.write_in_order(&self.statements.put_message, rows).await
    }

    /// Those of one bucket. Rows carry their own versions, which are lower, so whoever writes one again writes its body
    /// below this.
    async fn erase_bodies(&self, chat: ChatId, at: i64, rows: Vec<(Stream, Version)>) -> Result<(), Error> {
        let row = |&(stream, version): &(Stream, Version)| {
            let (_, _, bucket) = bucket_at(chat, stream, version);
            let values = (at, chat.as_bytes().to_vec(), column(stream), bucket, bigint(version.0)?);
            Ok(Sized { bytes: 0, values })
        };
        let rows = rows.iter().map(row).collect::<Result<Vec<_>, Error>>()?;
        self.cluster.write_in_order(&self.statements.erase_body, rows).await
    }

    /// A read is bounded by its range, so its buckets are few, and read at a time.
    pub(crate) async fn read_messages(&self, chat: ChatId, seqs: &Range<Seq>) -> Result<Vec<MessageRow>, Error> {
        let seqs = seqs_of_read(seqs);
        let Some((first, last)) = ends(&(seqs.start.0..seqs.end.0)) else { return Ok(Vec::new()) };
        let read = async |bucket: i64| {
            let values = (chat.as_bytes(), bucket, first, last);
            self.cluster.rows::<(i64, Vec<u8>)>("messages", &self.statements.messages, values).await
        };
        let buckets = buckets::Span::of((first, last), MESSAGES_OF_BUCKET);
        let rows = self.cluster.all((buckets.first..=buckets.last).map(read)).await?;
        let row = |(seq, state): (i64, Vec<u8>)| Ok(MessageRow { seq: Seq(number(seq)?), state: state.into() });
        rows.into_iter().flatten().map(row).collect()
    }
}

fn bucket_of(seq: Seq) -> i64 {
    buckets::bucket(seq.0, MESSAGES_OF_BUCKET)
}

//! The file of key slots: how it is laid out, and how it is read after a crash.
//!
//! The first slot is the header. Keys are appended in batches, each synced before the next is written, and every slot
//! names the first slot of its batch. So a slot that is not whole was torn by a crash only if no whole slot is of a
//! later batch, and then none of its batch was answered; otherwise a key that was answered is damaged.

use std::{collections::HashMap, ops::Range};

use chasqui_disk::File;
use chasqui_domain::{ChatId, Epoch};
use chasqui_store::{WRAPPED_KEY_BYTES, WrappedKey};

use crate::{
    fault::Fault,
    options::{KEY_SLOTS_MAX, KEYS_READ_BYTES, KEYS_TOGETHER_MAX},
};

/// The size of a slot; a power of two, so that none crosses a sector.
pub(crate) const SLOT_BYTES: usize = 128;

/// The newest format of the file that this version knows.
pub(crate) const FORMAT: u32 = 1;

const MAGIC: [u8; 12] = *b"chasqui keys";
const CRC_AT: usize = SLOT_BYTES - 4;

const STATE: usize = 0;
const BATCH: Range<usize> = 4..8;
const EPOCH: Range<usize> = 8..12;
const CHAT: Range<usize> = 12..12 + ChatId::BYTES;
const WRAPPED: Range<usize> = CHAT.end..CHAT.end + WRAPPED_KEY_BYTES;

const _: () = assert!(WRAPPED.end <= CRC_AT);

/// A torn slot that has been closed: nothing is in it.
const EMPTY: u8 = 0;
const LIVE: u8 = 1;

type SlotBytes = [u8; SLOT_BYTES];

/// What is in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The first slot of its batch.
    pub(crate) batch: u32,
    /// The key; none in a closed slot.
    pub(crate) key: Option<(ChatId, Epoch, WrappedKey)>,
}

impl Slot {
    pub(crate) fn encode(&self) -> SlotBytes {
        let mut bytes = [0; SLOT_BYTES];
        bytes[STATE] = EMPTY;
        bytes[BATCH].copy_from_slice(&self.batch.to_be_bytes());
        if let Some((chat, epoch, wrapped)) = &self.key {
            bytes[STATE] = LIVE;
            bytes[EPOCH].copy_from_slice(&epoch.0.to_be_bytes());
            bytes[CHAT].copy_from_slice(chat.as_bytes());
            bytes[WRAPPED].copy_from_slice(wrapped);
        }
        seal(bytes)
    }

    /// None when it is not whole.
    fn decode(bytes: &SlotBytes) -> Option<Self> {
        if !is_whole(bytes) {
            return None;
        }
        let batch = u32::from_be_bytes(bytes.get(BATCH)?.try_into().ok()?);
        let key = match bytes[STATE] {
            EMPTY => None,
            LIVE => {
                let epoch = u32::from_be_bytes(bytes.get(EPOCH)?.try_into().ok()?);
                let chat = ChatId::from_bytes(bytes.get(CHAT)?).ok()?;
                Some((chat, Epoch(epoch), bytes.get(WRAPPED)?.try_into().ok()?))
            }
            _ => return None,
        };
        Some(Self { batch, key })
    }
}

fn seal(mut bytes: SlotBytes) -> SlotBytes {
    let crc = crc32c::crc32c(&bytes[..CRC_AT]);
    bytes[CRC_AT..].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn is_whole(bytes: &SlotBytes) -> bool {
    // Not so for a slot of zeroes: the CRC32C of zeroes isn't zero.
    crc32c::crc32c(&bytes[..CRC_AT]).to_be_bytes() == bytes[CRC_AT..]
}

/// The first slot of the file.
pub(crate) fn header() -> SlotBytes {
    let mut bytes = [0; SLOT_BYTES];
    bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
    bytes[MAGIC.len()..MAGIC.len() + 4].copy_from_slice(&FORMAT.to_be_bytes());
    seal(bytes)
}

/// The format of the file.
pub(crate) fn format(file: &dyn File) -> Result<u32, Fault> {
    let mut bytes = [0; SLOT_BYTES];
    file.read_exact_at(&mut bytes, 0)?;
    let format = bytes.strip_prefix(&MAGIC).and_then(|rest| rest.first_chunk());
    match format {
        Some(format) if is_whole(&bytes) => Ok(u32::from_be_bytes(*format)),
        _ => Err(Fault::Damaged("the header is not that of a file of keys".into())),
    }
}

/// Where a slot is in the file.
pub(crate) fn place(slot: u32) -> u64 {
    u64::from(slot) * SLOT_BYTES as u64
}

/// Reads one key.
pub(crate) fn read(file: &dyn File, slot: u32, chat: ChatId, epoch: Epoch) -> Result<WrappedKey, Fault> {
    let mut bytes = [0; SLOT_BYTES];
    file.read_exact_at(&mut bytes, place(slot))?;
    match Slot::decode(&bytes).and_then(|slot| slot.key) {
        Some((of, at, wrapped)) if (of, at) == (chat, epoch) => Ok(wrapped),
        _ => Err(Fault::Damaged(format!("key slot {slot} does not hold the key that was written"))),
    }
}

/// The keys in a file and where the next one goes.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) slots: HashMap<(ChatId, Epoch), u32>,
    pub(crate) next: u32,
}

/// Reads all slots, and settles what a crash left torn.
pub(crate) fn open(file: &dyn File) -> Result<Index, Fault> {
    let size = file.size()?;
    let count = u32::try_from(size / SLOT_BYTES as u64).unwrap_or(KEY_SLOTS_MAX).max(1);
    let mut index = Index { slots: HashMap::new(), next: 1 };
    let mut torn: Vec<u32> = Vec::new();
    let mut batch = 1;
    let mut chunk = vec![0; KEYS_READ_BYTES];
    let mut slot = 1;
    while slot < count {
        let slots = (count - slot).min((KEYS_READ_BYTES / SLOT_BYTES) as u32);
        let bytes = &mut chunk[..slots as usize * SLOT_BYTES];
        file.read_exact_at(bytes, place(slot))?;
        let (bytes, _) = bytes.as_chunks();
        for bytes in bytes {
            match Slot::decode(bytes) {
                None => torn.push(slot),
                Some(found) => {
                    if let Some(damaged) = torn.iter().find(|&&torn| torn < found.batch) {
                        return Err(Fault::Damaged(format!("key slot {damaged} is not what was written")));
                    }
                    if found.batch > slot || slot - found.batch >= KEYS_TOGETHER_MAX as u32 {
                        return Err(Fault::Damaged(format!("key slot {slot} is of no possible batch")));
                    }
                    if let Some((chat, epoch, _)) = found.key {
                        index.slots.entry((chat, epoch)).or_insert(slot);
                    }
                    batch = found.batch.max(batch);
                    index.next = slot + 1;
                }
            }
            slot += 1;
        }
    }
    settle(file, &torn, batch, &index)?;
    Ok(index)
}

/// Makes durable what was found. Torn slots with whole ones behind them are marked as empty; those at the end are cut
/// off and used again. The last batch is written anew: if its sync failed in an earlier life of this process, it can be
/// read from the system's memory, but no later sync would bring it to the disk.
fn settle(file: &dyn File, torn: &[u32], batch: u32, index: &Index) -> Result<(), Fault> {
    let mut bytes = vec![0; (index.next - batch) as usize * SLOT_BYTES];
    file.read_exact_at(&mut bytes, place(batch))?;
    // Were this cut short by a crash in its turn, the next opening must not take what is still torn for damage: so the
    // empty slots are of the same batch.
    let empty = Slot { batch, key: None }.encode();
    for &slot in torn.iter().filter(|&&slot| slot < index.next) {
        if let Some(place) = bytes.as_chunks_mut().0.get_mut((slot - batch) as usize) {
            *place = empty;
        }
    }
    file.write_all_at(&bytes, place(batch))?;
    file.set_len(place(index.next))?;
    file.sync()?;
    Ok(())
}

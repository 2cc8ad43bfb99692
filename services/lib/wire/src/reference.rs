//! Records as apache-avro writes and reads them, by their schemas: what tests hold ours against, and benches too.

use std::cell::Cell;

use apache_avro::{Schema, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use serde::{Serialize, de::DeserializeOwned};

/// As long as our own reader takes them.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

thread_local! {
    static IS_ON: Cell<bool> = const { Cell::new(false) };
}

/// Has apache-avro write and read all records for as long as `what` runs on this thread.
pub fn by_apache_avro<T>(what: impl FnOnce() -> T) -> T {
    /// Puts it back, also when a test fails within.
    struct Before(bool);

    impl Drop for Before {
        fn drop(&mut self) {
            IS_ON.set(self.0);
        }
    }

    let _before = Before(IS_ON.replace(true));
    what()
}

/// Whether this thread's records are apache-avro's now.
pub(crate) fn is_on() -> bool {
    IS_ON.get()
}

/// Writes and reads one sort of record.
pub(crate) struct Codec {
    writer: GenericDatumWriter<'static>,
    reader: GenericDatumReader<'static>,
}

impl Codec {
    pub(crate) fn new(schema: &'static Schema) -> Result<Self, apache_avro::Error> {
        apache_avro::util::max_allocation_bytes(TEXT_BYTES_MAX);
        Ok(Self {
            writer: GenericDatumWriter::builder(schema).human_readable(false).build()?,
            reader: GenericDatumReader::builder(schema).human_readable(false).build()?,
        })
    }

    pub(crate) fn write<T: Serialize>(&self, bytes: &mut Vec<u8>, value: &T) -> Result<(), apache_avro::Error> {
        self.writer.write_ser(bytes, value).map(|_| ())
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, rest: &mut &[u8]) -> Result<T, apache_avro::Error> {
        self.reader.read_deser(rest)
    }
}

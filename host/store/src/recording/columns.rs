//! A file of a recording as Parquet: what the append file held, one row per tick or entry.
//!
//! An append file that is ended is converted aside, synced, renamed, and only then removed; a
//! conversion that fails leaves it. Read back, a row group is a block of entries again, byte for
//! byte but for ticks that follow each other, which are one entry; its CRC-32 stands in the file's
//! metadata. Ticks are columns of their own, for whoever reads the file with something else.

use super::{TICKS, read_block};
use hedgerow_model::Tick;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Prices, quantities and whatever else `a` to `d` hold are by kind of tick and in the scale of the
/// instrument, as in `Tick`. `body` is MessagePack.
const SCHEMA: &str = "message recording {
    required int32 entry;
    optional int64 ts (INTEGER(64, false));
    optional int64 recv_ts (INTEGER(64, false));
    optional int64 seq (INTEGER(64, false));
    optional int64 instrument;
    optional int64 kind;
    optional int64 flags;
    optional int64 a;
    optional int64 b;
    optional int64 c;
    optional int64 d;
    optional binary body;
}";
const TICK_COLUMNS: usize = 10;
const SUMS: &str = "hedgerow-crc32";
/// Rows and bytes of a row group.
const ROWS: usize = 1 << 16;
const BYTES: usize = 8 << 20;

fn broken(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

fn columns_of(tick: &Tick) -> [i64; TICK_COLUMNS] {
    let Tick { ts, recv_ts, seq, instrument, kind, flags, a, b, c, d } = *tick;
    let times = [ts.cast_signed(), recv_ts.cast_signed(), seq.cast_signed()];
    let [ts, recv_ts, seq] = times;
    [ts, recv_ts, seq, instrument.into(), kind.into(), flags.into(), a, b, c, d]
}

fn tick_of(columns: [i64; TICK_COLUMNS]) -> Result<Tick> {
    let [ts, recv_ts, seq, instrument, kind, flags, a, b, c, d] = columns;
    let wide = |_| broken("a column holds more than its kind");
    Ok(Tick {
        ts: ts.cast_unsigned(),
        recv_ts: recv_ts.cast_unsigned(),
        seq: seq.cast_unsigned(),
        instrument: u32::try_from(instrument).map_err(wide)?,
        kind: u16::try_from(kind).map_err(wide)?,
        flags: u16::try_from(flags).map_err(wide)?,
        a,
        b,
        c,
        d,
    })
}

/// Rows of one group, column by column.
#[derive(Default)]
struct Group {
    entry: Vec<i32>,
    ticks: [Vec<i64>; TICK_COLUMNS],
    bodies: Vec<ByteArray>,
    bytes: usize,
}

impl Group {
    fn push_tick(&mut self, tick: &Tick) {
        self.entry.push(TICKS.into());
        for (column, value) in self.ticks.iter_mut().zip(columns_of(tick)) {
            column.push(value);
        }
    }

    fn push(&mut self, kind: u8, body: &[u8]) {
        if kind == TICKS {
            let (ticks, _) = body.as_chunks::<64>();
            ticks.iter().for_each(|tick| self.push_tick(&Tick::from_le_bytes(tick)));
        } else {
            self.entry.push(kind.into());
            self.bodies.push(body.to_vec().into());
        }
        self.bytes += body.len();
    }

    /// The rows as a block of entries.
    fn block(&self) -> Result<Vec<u8>> {
        let mut block = Vec::with_capacity(self.bytes + 16);
        let (mut bodies, mut tick, mut run) = (self.bodies.iter(), 0, Vec::new());
        for kind in &self.entry {
            let kind = u8::try_from(*kind).map_err(|_| broken("an entry of no kind"))?;
            if kind == TICKS {
                let column = |c: usize| self.ticks.get(c)?.get(tick).copied();
                let mut values = [0; TICK_COLUMNS];
                for (c, value) in values.iter_mut().enumerate() {
                    *value = column(c).ok_or_else(|| broken("a tick is not whole"))?;
                }
                run.extend(tick_of(values)?.to_le_bytes());
                tick += 1;
                continue;
            }
            end_run(&mut block, &mut run)?;
            let body = bodies.next().ok_or_else(|| broken("an entry without a body"))?;
            put(&mut block, kind, body.data())?;
        }
        end_run(&mut block, &mut run)?;
        Ok(block)
    }

    fn write(&self, group: &mut SerializedRowGroupWriter<'_, File>) -> Result<()> {
        let is_tick = |kind: &i32| i16::from(*kind == i32::from(TICKS));
        let of_tick: Vec<i16> = self.entry.iter().map(is_tick).collect();
        let of_body: Vec<i16> = of_tick.iter().map(|is| 1 - is).collect();
        column::<Int32Type>(group, &self.entry, None)?;
        for values in &self.ticks {
            column::<Int64Type>(group, values, Some(&of_tick))?;
        }
        column::<ByteArrayType>(group, &self.bodies, Some(&of_body))
    }

    fn read(group: &dyn RowGroupReader) -> Result<Self> {
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut this = Self { entry: values::<Int32Type>(group, 0, rows)?, ..Self::default() };
        for (place, column) in this.ticks.iter_mut().enumerate() {
            *column = values::<Int64Type>(group, place + 1, rows)?;
        }
        this.bodies = values::<ByteArrayType>(group, TICK_COLUMNS + 1, rows)?;
        Ok(this)
    }
}

fn put(block: &mut Vec<u8>, kind: u8, body: &[u8]) -> Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| broken("an entry is too long"))?;
    block.push(kind);
    block.extend(length.to_le_bytes());
    block.extend_from_slice(body);
    Ok(())
}

fn end_run(block: &mut Vec<u8>, run: &mut Vec<u8>) -> Result<()> {
    if !run.is_empty() {
        put(block, TICKS, run)?;
        run.clear();
    }
    Ok(())
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    there: Option<&[i16]>,
) -> Result<()> {
    let mut column = group.next_column()?.ok_or_else(|| broken("a column is missing"))?;
    column.typed::<T>().write_batch(values, there, None)?;
    column.close()
}

fn values<T: DataType>(group: &dyn RowGroupReader, place: usize, rows: usize) -> Result<Vec<T::T>> {
    let mut column = get_typed_column_reader::<T>(group.get_column_reader(place)?);
    let (mut values, mut there) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (more, ..) = column.read_records(rows - read, Some(&mut there), None, &mut values)?;
        if more == 0 {
            return Err(broken("a column ends before the others"));
        }
        read += more;
    }
    Ok(values)
}

/// Converts an append file that is ended; on an error it stays as it is.
pub(super) fn convert(from: &Path, to: &Path) -> std::result::Result<(), String> {
    let aside = to.with_extension("parquet.tmp");
    let done = write(from, &aside).and_then(|()| {
        std::fs::rename(&aside, to).map_err(|e| e.to_string())?;
        if let Some(folder) = to.parent() {
            File::open(folder).and_then(|f| f.sync_all()).map_err(|e| e.to_string())?;
        }
        std::fs::remove_file(from).map_err(|e| e.to_string())
    });
    if done.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    done
}

fn write(from: &Path, to: &Path) -> std::result::Result<(), String> {
    let words = |e: ParquetError| e.to_string();
    let mut source = super::open_rec(from).map_err(|e| e.to_string())?;
    let file = File::create(to).map_err(|e| e.to_string())?;
    let schema = Arc::new(parse_message_type(SCHEMA).map_err(words)?);
    let level = ZstdLevel::try_new(1).map_err(words)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding("body".into(), Encoding::PLAIN)
        .build();
    let writer = SerializedFileWriter::new(file, schema, Arc::new(properties));
    let mut writer = writer.map_err(words)?;
    let (mut group, mut sums, mut block) = (Group::default(), Vec::new(), Vec::new());
    while read_block(&mut source, &mut block)? {
        let mut rest = &block[..];
        while let Some((kind, body, after)) = super::split_entry(rest) {
            group.push(kind, body);
            rest = after;
        }
        if !rest.is_empty() {
            return Err("an entry is longer than its block".into());
        }
        if group.entry.len() >= ROWS || group.bytes >= BYTES {
            end_group(&mut writer, &mut group, &mut sums).map_err(words)?;
        }
    }
    end_group(&mut writer, &mut group, &mut sums).map_err(words)?;
    writer.append_key_value_metadata(KeyValue::new(SUMS.to_owned(), sums.join(",")));
    let file = writer.into_inner().map_err(words)?;
    file.sync_all().map_err(|e| e.to_string())
}

fn end_group(
    writer: &mut SerializedFileWriter<File>,
    group: &mut Group,
    sums: &mut Vec<String>,
) -> Result<()> {
    let group = std::mem::take(group);
    if group.entry.is_empty() {
        return Ok(());
    }
    sums.push(format!("{:08x}", crc32fast::hash(&group.block()?)));
    let mut rows = writer.next_row_group()?;
    group.write(&mut rows)?;
    rows.close().map(|_| ())
}

/// A converted file, read a row group at a time.
pub(super) struct Columns {
    reader: SerializedFileReader<File>,
    sums: Vec<String>,
    next: usize,
}

impl std::fmt::Debug for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Columns({} of {})", self.next, self.sums.len())
    }
}

impl Columns {
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let reader = SerializedFileReader::new(File::open(path)?).map_err(std::io::Error::other)?;
        let known = reader.metadata().file_metadata().key_value_metadata();
        let sums = known.and_then(|all| all.iter().find(|kv| kv.key == SUMS)?.value.clone());
        let Some(sums) = sums else { return Err(std::io::Error::other("another format")) };
        let sums: Vec<String> = sums.split(',').map(str::to_owned).collect();
        if sums.len() != reader.num_row_groups() {
            return Err(std::io::Error::other("it is not whole"));
        }
        Ok(Self { reader, sums, next: 0 })
    }

    /// The next row group as a block of entries; `false` at the end.
    pub(super) fn read(&mut self, block: &mut Vec<u8>) -> std::result::Result<bool, String> {
        let Some(sum) = self.sums.get(self.next) else { return Ok(false) };
        let group = self.reader.get_row_group(self.next);
        let read = group.and_then(|group| Group::read(&*group)?.block());
        *block = read.map_err(|e| format!("a row group is damaged: {e}"))?;
        if format!("{:08x}", crc32fast::hash(block)) != *sum {
            return Err("a row group is damaged".into());
        }
        self.next += 1;
        Ok(true)
    }
}

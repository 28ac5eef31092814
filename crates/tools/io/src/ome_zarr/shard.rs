//! The index of a shard: where its chunks lie in the file.

use super::codec::Sharding;
use super::store::Object;

/// Offset and number of bytes of each inner chunk in C order; `None` where a chunk is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardIndex(pub Vec<Option<(u64, u64)>>);

const ABSENT: u64 = u64::MAX;

impl ShardIndex {
    /// Reads the index of a shard of `chunks` chunks and checks that it points into the file.
    ///
    /// # Errors
    /// What is wrong with the shard; the outer error is what the system or the server says.
    pub fn read(
        file: &Object,
        how: &Sharding,
        chunks: u64,
    ) -> std::io::Result<Result<ShardIndex, String>> {
        let length = file.size()?;
        let bytes = chunks.saturating_mul(16).saturating_add(if how.index_crc32c { 4 } else { 0 });
        if bytes > length {
            return Ok(Err(format!("its index needs {bytes} bytes, the shard has {length}")));
        }
        let mut encoded = vec![0; bytes as usize];
        let at = if how.index_first { 0 } else { length - bytes };
        file.read_exact_at(&mut encoded, at)?;
        Ok(ShardIndex::decode(&encoded, how, length))
    }

    fn decode(encoded: &[u8], how: &Sharding, length: u64) -> Result<ShardIndex, String> {
        let mut data = encoded;
        if how.index_crc32c {
            let (rest, sum) = encoded.split_last_chunk::<4>().ok_or("its index is too short")?;
            let (stored, found) = (u32::from_le_bytes(*sum), crc32c::crc32c(rest));
            if stored != found {
                return Err(format!("the checksum of its index is {found:08x}, not {stored:08x}"));
            }
            data = rest;
        }
        let number = |b: [u8; 8]| {
            if how.index_big_endian { u64::from_be_bytes(b) } else { u64::from_le_bytes(b) }
        };
        let numbers: Vec<u64> = data.as_chunks::<8>().0.iter().map(|b| number(*b)).collect();
        let entry = |pair: &[u64; 2]| match *pair {
            [ABSENT, ABSENT] => Ok(None),
            [offset, bytes] if offset.checked_add(bytes).is_some_and(|end| end <= length) => {
                Ok(Some((offset, bytes)))
            }
            [offset, bytes] => Err(format!(
                "its index points to {bytes} bytes at {offset}, the shard has {length}"
            )),
        };
        let entries: Result<Vec<_>, _> = numbers.as_chunks::<2>().0.iter().map(entry).collect();
        Ok(ShardIndex(entries?))
    }

    /// The index as our writer stores it: little-endian, with its CRC-32C.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 * self.0.len() + 4);
        for entry in &self.0 {
            let (offset, size) = entry.unwrap_or((ABSENT, ABSENT));
            bytes.extend_from_slice(&offset.to_le_bytes());
            bytes.extend_from_slice(&size.to_le_bytes());
        }
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Sharding {
        Sharding {
            chunk_shape: vec![1],
            index_first: false,
            index_crc32c: true,
            index_big_endian: false,
        }
    }

    #[test]
    fn an_index_reads_back_and_a_flipped_bit_is_noticed() {
        let index = ShardIndex(vec![Some((0, 5)), None, Some((5, 7))]);
        let mut bytes = index.encode();
        assert_eq!(ShardIndex::decode(&bytes, &ours(), 12), Ok(index));
        bytes[3] ^= 1;
        assert!(ShardIndex::decode(&bytes, &ours(), 12).is_err_and(|e| e.contains("checksum")));
    }

    #[test]
    fn an_index_that_points_outside_is_refused() {
        let far = ShardIndex(vec![Some((u64::MAX - 3, 5))]).encode();
        assert!(ShardIndex::decode(&far, &ours(), 100).is_err());
        let past = ShardIndex(vec![Some((96, 5))]).encode();
        assert!(ShardIndex::decode(&past, &ours(), 100).is_err());
    }
}

//! `SipHash`-1-3 under the key (0, 0).

/// The state of the hash, and the bytes that do not make a word yet.
struct State {
    v: [u64; 4],
    /// From the lowest byte on.
    word: u64,
    /// How many bytes there were.
    length: u64,
}

/// The hash of texts one behind the other.
pub(super) fn hash(texts: &[&[u8]]) -> u64 {
    // The key would be mixed in here. It is zero.
    let v = [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    let mut state = State { v, word: 0, length: 0 };
    for text in texts {
        state.write(text);
    }
    state.finish()
}

impl State {
    #[inline]
    fn write(&mut self, text: &[u8]) {
        // Whole words at once, where speed counts more than size.
        if !cfg!(feature = "compact") && self.length.is_multiple_of(8) {
            let (words, rest) = text.as_chunks();
            for word in words {
                self.absorb(u64::from_le_bytes(*word), 1);
            }
            self.word = word_of(rest);
            self.length = self.length.wrapping_add(text.len().try_into().unwrap_or(0));
            return;
        }
        for byte in text {
            self.word |= u64::from(*byte) << (self.length.wrapping_mul(8) & 63);
            self.length = self.length.wrapping_add(1);
            if self.length.is_multiple_of(8) {
                self.absorb(self.word, 1);
                self.word = 0;
            }
        }
    }

    #[inline]
    fn finish(&mut self) -> u64 {
        self.absorb(self.word | (self.length << 56), 1);
        let [_, _, v2, _] = &mut self.v;
        *v2 ^= 0xff;
        self.absorb(0, 3);
        let [v0, v1, v2, v3] = self.v;
        v0 ^ v1 ^ v2 ^ v3
    }

    /// Takes a word in, with so many rounds.
    #[cfg_attr(feature = "compact", inline(never))]
    #[cfg_attr(not(feature = "compact"), inline)]
    fn absorb(&mut self, word: u64, rounds: u32) {
        let [_, _, _, v3] = &mut self.v;
        *v3 ^= word;
        for _ in 0..rounds {
            self.round();
        }
        let [v0, ..] = &mut self.v;
        *v0 ^= word;
    }

    #[inline]
    const fn round(&mut self) {
        let [mut v0, mut v1, mut v2, mut v3] = self.v;
        v0 = v0.wrapping_add(v1);
        v1 = v1.rotate_left(13) ^ v0;
        v0 = v0.rotate_left(32);
        v2 = v2.wrapping_add(v3);
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.wrapping_add(v3);
        v3 = v3.rotate_left(21) ^ v0;
        v2 = v2.wrapping_add(v1);
        v1 = v1.rotate_left(17) ^ v2;
        v2 = v2.rotate_left(32);
        self.v = [v0, v1, v2, v3];
    }
}

/// Up to seven bytes as a word, from the lowest byte on.
#[inline]
fn word_of(bytes: &[u8]) -> u64 {
    if let (Some(head), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // Bytes that both have are the same.
        let shift = bytes.len().wrapping_sub(4).wrapping_mul(8) & 31;
        return u64::from(u32::from_le_bytes(*head)) | u64::from(u32::from_le_bytes(*last)) << shift;
    }
    bytes.iter().rfold(0, |word, byte| (word << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;
    use std::vec::Vec;

    use siphasher::sip::SipHasher13;

    #[test]
    fn is_the_hash_of_the_crate_siphasher_however_the_text_is_cut() {
        let bytes: Vec<u8> = (0..100_u8).map(|i| i.wrapping_mul(37)).collect();
        for length in 0..bytes.len() {
            let text = &bytes[..length];
            let mut hasher = SipHasher13::new_with_keys(0, 0);
            hasher.write(text);
            let expected = hasher.finish();
            for cut in 0..=length {
                let (left, right) = text.split_at(cut);
                assert_eq!(super::hash(&[left, right]), expected, "{length} bytes, cut at {cut}");
            }
        }
    }
}

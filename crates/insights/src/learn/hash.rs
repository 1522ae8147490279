//! Hashes that are the same on every machine and in every version: models are stored with them.

/// Spreads a number over all bits (the finaliser of splitmix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a.
pub(crate) fn text(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A named number: the same number under two names has two hashes.
pub(crate) fn number(name: &str, number: u64) -> u64 {
    mix(text(name) ^ mix(number))
}

pub(crate) fn characters(characters: &[char]) -> u64 {
    characters.iter().fold(0x51_7cc1_b727_2202, |hash, character| mix(hash ^ u64::from(*character as u32)))
}

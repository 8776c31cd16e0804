//! The message codec: prost, but a message that cannot be decoded is the caller's fault and says so.
//!
//! tonic-prost answers `INTERNAL` with the decoder's text; here it is `INVALID_ARGUMENT`, reason `undecodable`, before any
//! handler runs. A message that would grow out of all proportion when it is decoded is not ([`super::weight`]).

use std::marker::PhantomData;

use prost::{Message, Name, bytes::Buf as _};
use tonic::{
    Status,
    codec::{BufferSettings, Codec as TonicCodec, DecodeBuf, Decoder as TonicDecoder},
};
use tonic_prost::{ProstCodec, ProstEncoder};

use super::{layers::uploads, status, weight::weight};

/// Encodes `T` and decodes `U`.
#[derive(Clone, Debug)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> TonicCodec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = Decoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        Decoder(PhantomData)
    }
}

/// Decodes messages of one type.
#[derive(Clone, Debug)]
pub struct Decoder<U>(PhantomData<U>);

/// Messages of fewer bytes are decoded unweighed: they cannot grow beyond a megabyte.
pub(super) const SMALL: usize = 2_048;

/// The most that a message may take in memory.
pub const HEAVIEST: usize = 32 << 20;

impl<U: Message + Name + Default> TonicDecoder for Decoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let bytes = buffer.chunk();
        if bytes.len() > SMALL {
            let weight = weight(&U::full_name(), bytes).ok_or_else(status::undecodable)?;
            if weight > HEAVIEST {
                return Err(status::message_too_heavy());
            }
            if !uploads::charge(weight, bytes.len()) {
                return Err(uploads::overloaded().into());
            }
        }
        U::decode(buffer)
            .map(Some)
            .map_err(|_| status::undecodable())
    }
}

"""The spectrogram of a tone, its bands on the mel scale and cepstral coefficients, and the way back to a sound file."""

import os
import tempfile

import numpy as np
import tensorflow as tf

rate = 4000
time = np.arange(rate // 4) / rate
tone = (0.5 * np.sin(2 * np.pi * 440 * time) + 0.25 * np.sin(2 * np.pi * 1200 * time)).astype(
    "float32"
)

path = os.path.join(tempfile.mkdtemp(), "tone.wav")
tf.io.write_file(path, tf.audio.encode_wav(tone[:, np.newaxis], rate))
sound, found_rate = tf.audio.decode_wav(tf.io.read_file(path), desired_channels=1)
waveform = tf.squeeze(sound, axis=-1)
print(waveform.shape, found_rate.numpy(), os.path.getsize(path))

stfts = tf.signal.stft(waveform, frame_length=256, frame_step=128, fft_length=256)
spectrogram = tf.abs(stfts)
print(spectrogram.shape, spectrogram.dtype.name)
loudest = tf.argmax(spectrogram, axis=-1).numpy() * rate / 256
print(loudest[:3])

weights = tf.signal.linear_to_mel_weight_matrix(
    num_mel_bins=12,
    num_spectrogram_bins=spectrogram.shape[-1],
    sample_rate=rate,
    lower_edge_hertz=80.0,
    upper_edge_hertz=1900.0,
)
mel = tf.tensordot(spectrogram, weights, 1)
log_mel = tf.math.log(mel + 0.1)
print(log_mel.shape, log_mel.numpy()[1].round(2))
mfccs = tf.signal.mfccs_from_log_mel_spectrograms(log_mel)[..., :5]
print(mfccs.numpy()[1].round(3))

back = tf.signal.inverse_stft(stfts, 256, 128, window_fn=tf.signal.inverse_stft_window_fn(128))
middle = slice(128, 128 * 6)
print("the same", np.abs(back.numpy()[middle] - waveform.numpy()[middle]).max() < 1e-4)

spectrum = tf.signal.rfft(waveform[:500])
print(spectrum.shape, tf.argmax(tf.abs(spectrum)).numpy() * rate / 500)
again = tf.signal.irfft(spectrum, fft_length=[500])
print("the same", np.abs(again.numpy() - waveform.numpy()[:500]).max() < 1e-4)
print(tf.signal.hann_window(6).numpy().round(4), tf.signal.hamming_window(5).numpy().round(4))
frames = tf.signal.frame(tf.range(10), frame_length=4, frame_step=3, pad_end=True)
print(frames.numpy().tolist())
print(tf.signal.overlap_and_add(tf.ones([3, 4]), 2).numpy())
print(tf.signal.dct(tf.constant([1.0, 2.0, 3.0, 4.0]), norm="ortho").numpy().round(4))

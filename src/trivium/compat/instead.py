"""What to write in the place of single names of TensorFlow that are not covered."""

from __future__ import annotations

__all__ = ["INSTEAD"]

_INSIDE = "This is TensorFlow's inside; use the public function, in `tf` or `keras.ops`."
_QUANTIZED = 'Use `model.quantize("int8")`, on a `keras.Model`.'
_SPECS = "Describe tensors with `tf.TensorSpec`, `tf.RaggedTensorSpec` or `tf.SparseTensorSpec`."

# A line for each sentence: names, from `tf` on, and what to write.
_LINES = """
AggregationMethod: Leave it out: gradients are added up in one way.
CriticalSection: Leave it out: one thing is done after another.
DeviceSpec: Write the device's name: `tf.device("/GPU:0")`.
RegisterGradient no_gradient: Give a function a gradient of its own with `tf.custom_gradient`.
conv: `tf.nn.convolution`.
conv2d_backprop_filter_v2 conv2d_backprop_input_v2: `tf.nn.conv2d_transpose`, or the gradient of a `tf.GradientTape`.
experimental: Its NumPy is here as `keras.ops`.
get_current_name_scope: Layers give names: `layer.name`, `layer.path`.
make_ndarray make_tensor_proto: Tensors hold their values: `x.numpy()`, `tf.io.serialize_tensor(x)`.
nondifferentiable_batch_function: Give the function the whole batch.
ragged_fill_empty_rows ragged_fill_empty_rows_grad: `rows.to_tensor(default_value)`, or `tf.sparse.fill_empty_rows`.
random_index_shuffle random.experimental.index_shuffle: `tf.random.experimental.stateless_shuffle(tf.range(n), seed)`.
register_tensor_conversion_function: Give the class a method `__array__`, or convert with a function of your own.
resource variant: Hold state in `tf.Variable`, and several tensors in lists and dicts.
dtypes.resource dtypes.variant: Hold state in `tf.Variable`, and several tensors in lists and dicts.
variable_creator_scope: Make variables in a function of your own, which gives `tf.Variable` what they should have.
dtypes.experimental.float4_e2m1fn: The narrowest floats are `tf.dtypes.experimental.float8_e4m3fn`.
debugging.enable_check_numerics debugging.disable_check_numerics: `tf.debugging.check_numerics(x, message)` for one \
tensor; `jax.config.update("jax_debug_nans", True)` for all.
debugging.experimental: `tf.print`, `keras.callbacks.TensorBoard`, or JAX's debugger: `jax.debug.breakpoint()`.
linalg.experimental.conjugate_gradient: `jax.scipy.sparse.linalg.cg(lambda x: A @ x, b)`.
nn.RNNCellDropoutWrapper: `keras.layers.LSTM(units, dropout=0.2, recurrent_dropout=0.2)`.
nn.RNNCellResidualWrapper: `x + keras.layers.LSTM(units, return_sequences=True)(x)`.
nn.compute_accidental_hits: Take the whole loss: `tf.nn.softmax_cross_entropy_with_logits`.
nn.fractional_avg_pool nn.fractional_max_pool: Pool by whole numbers (`tf.nn.max_pool2d`), or `tf.image.resize`.
nn.with_space_to_batch: Give the convolution its `dilations`: `tf.nn.convolution(x, filters, dilations=rate)`.
profiler.experimental.client profiler.experimental.server: Profile inside of the process: \
`tf.profiler.experimental.start(folder)`.
sparse.mask: `tf.boolean_mask` on a dense tensor, `tf.sparse.retain` on a sparse one.
sparse.sampled_addmm: `alpha * tf.gather_nd(mat1 @ mat2, indices) + beta * values`.
math.sobol_sample: Draw the points with `scipy.stats.qmc.Sobol`.
image.extract_glimpse: Cut it out: `images[:, top:top + height, left:left + width]`, or `tf.image.crop_and_resize`.
image.generate_bounding_box_proposals: `keras.utils.bounding_boxes.decode_deltas_to_boxes`, and \
`tf.image.combined_non_max_suppression`.
image.decode_webp io.decode_webp: `np.asarray(PIL.Image.open(path))`.
image.decode_jxl io.decode_jxl: Save the images as PNG: `tf.io.decode_png`.
io.decode_compressed: `zlib.decompress(data)`, `gzip.decompress(data)`, or the argument `compression_type` of the \
dataset that reads the files.
io.decode_json_example: `json.loads(text)`, and `tf.train.Example`.
io.decode_proto io.encode_proto: `Message.FromString(data)`, `message.SerializeToString()`: the package `protobuf`.
io.deserialize_many_sparse io.serialize_many_sparse io.serialize_sparse: `tf.io.serialize_tensor` for `x.indices`, \
`x.values` and `x.dense_shape`.
io.match_filenames_once: `tf.io.gfile.glob(pattern)`.
summary.audio: Write sounds to files: `tf.audio.encode_wav`, `tf.io.write_file`.
summary.trace_export summary.trace_off summary.trace_on: `tf.profiler.experimental.start(folder)` and `stop()`.
summary.write summary.experimental.summary_scope summary.experimental.write_raw_pb: `tf.summary.scalar`, `image`, \
`histogram` and `text`.
test.compute_gradient: `jax.test_util.check_grads(f, (x,), order=1)`.
test.Benchmark test.benchmark_config: Python's `timeit`, with `x.block_until_ready()`.
train.ExponentialMovingAverage: Give the optimizer `use_ema=True`.
train.CheckpointOptions: Leave it out: checkpoints have no options.
train.CheckpointView train.TrackableView: `tf.train.list_variables(path)`.
train.checkpoints_iterator train.get_checkpoint_state: `tf.train.latest_checkpoint(folder)`.
train.ClusterDef train.ClusterSpec train.Coordinator train.JobDef train.ServerDef: One process trains on one device \
here: build and compile the model without a strategy scope.
train.experimental: `tf.train.Checkpoint(**what)` keeps models, optimizers, variables, lists and dicts of them.
data.DatasetSpec data.IteratorSpec data.experimental.get_structure: `dataset.element_spec`.
data.NumpyIterator: `dataset.as_numpy_iterator()`.
data.experimental.Optional data.experimental.get_next_as_optional: `next(iterator, None)`.
data.experimental.RandomDataset: `tf.data.Dataset.random(seed)`.
data.experimental.Reducer data.experimental.group_by_reducer: `dataset.group_by_window(key, reduce, window_size=n)`.
data.experimental.SqlDataset: `tf.data.Dataset.from_generator` over a cursor of `sqlite3`.
data.experimental.TFRecordWriter: `tf.io.TFRecordWriter(path)`, in a loop over the dataset.
data.experimental.at: `next(iter(dataset.skip(index)))`.
data.experimental.copy_to_device data.experimental.prefetch_to_device: `dataset.prefetch(1)`.
data.experimental.dense_to_sparse_batch: `dataset.ragged_batch(n).map(lambda x: x.to_sparse())`.
data.experimental.distributed_save: `dataset.save(path)`.
data.experimental.enable_debug_mode: `tf.config.run_functions_eagerly(True)`.
data.experimental.from_list: `tf.data.Dataset.from_tensor_slices(elements)`.
data.experimental.from_variant data.experimental.to_variant data.experimental.get_model_proto: Pass the dataset itself.
data.experimental.get_single_element: `dataset.get_single_element()`.
data.experimental.index_table_from_dataset data.experimental.table_from_dataset: `tf.lookup.StaticHashTable` of \
`tf.lookup.KeyValueTensorInitializer(keys, values)`.
data.experimental.DatasetInitializer: `tf.lookup.KeyValueTensorInitializer(keys, values)`.
data.experimental.make_batched_features_dataset: \
`tf.data.TFRecordDataset(files).batch(n).map(lambda x: tf.io.parse_example(x, features))`.
data.experimental.make_saveable_from_iterator: `tf.train.Checkpoint(iterator=iterator)`.
data.experimental.map_and_batch: `dataset.map(f).batch(n)`.
data.experimental.pad_to_cardinality: `dataset.concatenate(padding)`, or `drop_remainder=True`.
data.experimental.parallel_interleave: `dataset.interleave(f, cycle_length=n)`.
data.experimental.shuffle_and_repeat: `dataset.shuffle(n).repeat()`.
data.experimental.AutotuneAlgorithm data.experimental.AutotuneOptions data.experimental.ExternalStatePolicy \
data.experimental.SHARD_HINT data.experimental.ServiceOptions: Leave it out: it is about TensorFlow's threads.
"""

INSTEAD: dict[str, str] = {
    f"tensorflow.{name}": text
    for names, _, text in (line.partition(": ") for line in _LINES.strip().splitlines())
    for name in names.split()
}
INSTEAD |= {f"tensorflow.{n}": _INSIDE for n in ("check_pinned", "security", "Operation")}
INSTEAD |= {
    f"tensorflow.{name}": _SPECS
    for name in ("IndexedSlicesSpec", "NoneTensorSpec", "OptionalSpec", "TensorArraySpec")
}
INSTEAD |= {
    f"tensorflow.{module}{name}": _QUANTIZED
    for module in ("", "dtypes.")
    for name in ("qint8", "qint16", "qint32", "quint8", "quint16")
}
INSTEAD["tensorflow.dtypes.QUANTIZED_DTYPES"] = _QUANTIZED

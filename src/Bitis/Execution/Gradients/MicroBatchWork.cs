namespace Bitis.Execution.Gradients;

/// <summary>
/// A piece of work on the images of a micro-batch: an operation forward or back, or what the planner puts before or
/// after one.
/// </summary>
/// <param name="Kind">What profiles call it.</param>
/// <param name="Run">Does it.</param>
internal readonly record struct MicroBatchWork(string Kind, Action<MicroBatch> Run);

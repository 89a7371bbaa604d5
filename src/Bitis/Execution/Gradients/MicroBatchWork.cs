namespace Bitis.Execution.Gradients;

/// <summary>A piece of work on the images of a micro-batch.</summary>
/// <remarks>It is an operation forward or backward, or what the planner puts before or after one.</remarks>
/// <param name="Kind">Its name in profiles.</param>
/// <param name="Run">Does the work.</param>
internal readonly record struct MicroBatchWork(string Kind, Action<MicroBatch> Run);

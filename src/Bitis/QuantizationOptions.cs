using Bitis.Execution.Gradients;
using Bitis.Kernels.Dispatch;
using Bitis.Reconstruction;

namespace Bitis;

/// <summary>How a quantization runs. No option changes the result.</summary>
public sealed record QuantizationOptions
{
    /// <summary>
    /// How many threads compute, at most <see cref="ThreadCount.Limit"/>; 0 for one on each processor.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>Receives the progress of the work.</summary>
    public IProgress<WorkProgress>? Progress { get; init; }

    /// <summary>The folder for finished blocks, for methods that work block by block; null for none.</summary>
    /// <remarks>
    /// A run continues after the blocks that it finds there, if they are of the same model, recipe and images. Other
    /// blocks are refused. The caller deletes the folder (<see cref="PostTrainingQuantizer.DeleteWork"/>).
    /// </remarks>
    public string? WorkFolder { get; init; }

    /// <summary>Receives the result of learning for each block, for methods that work block by block.</summary>
    internal IProgress<BlockRecord>? Blocks { get; init; }

    /// <summary>Collects the time of learning by kind of step; null for no measurement.</summary>
    internal OperationTimes? LearningTimes { get; init; }
}

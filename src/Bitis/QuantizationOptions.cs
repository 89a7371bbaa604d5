using Bitis.Execution.Gradients;
using Bitis.Kernels.Dispatch;
using Bitis.Reconstruction;

namespace Bitis;

/// <summary>How a quantization is carried out. None of it changes the result.</summary>
public sealed record QuantizationOptions
{
    /// <summary>
    /// How many threads compute, at most <see cref="ThreadCount.Limit"/>; 0 for one on each processor.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>Hears how far the work has come.</summary>
    public IProgress<WorkProgress>? Progress { get; init; }

    /// <summary>For methods that go block by block: where finished blocks are kept.</summary>
    /// <remarks>
    /// A run that finds some there, of the same model, recipe and images, goes on after them; another's are refused.
    /// The caller deletes it (<see cref="PostTrainingQuantizer.DeleteWork"/>). Null for nowhere.
    /// </remarks>
    public string? WorkFolder { get; init; }

    /// <summary>For methods that go block by block: hears what learning did to each block.</summary>
    internal IProgress<BlockRecord>? Blocks { get; init; }

    /// <summary>Where the time of learning is added up, by kind of step; null for no measurement.</summary>
    internal OperationTimes? LearningTimes { get; init; }
}

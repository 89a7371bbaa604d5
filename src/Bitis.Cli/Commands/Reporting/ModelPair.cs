using Bitis.Cli.Input;

namespace Bitis.Cli.Commands.Reporting;

/// <summary>A quantized model and the float model that it was made from.</summary>
/// <param name="Model">The quantized model.</param>
/// <param name="Original">The float model.</param>
/// <param name="Threads">How many threads compute.</param>
/// <param name="Progress">Receives the number of images done.</param>
/// <param name="Cancellation">Ends the work.</param>
internal sealed record ModelPair(
    LoadedModel Model, LoadedModel Original, int Threads, IProgress<WorkProgress> Progress,
    CancellationToken Cancellation)
{
    /// <summary>How sessions of both run.</summary>
    public SessionOptions Options { get; } = new() { Threads = Threads };

    /// <summary>Refuses models of which one has other classes or images.</summary>
    /// <exception cref="BitisException">They are such.</exception>
    public void RequireSameAnswers()
    {
        if (Original.Config.Classes != Model.Config.Classes || Original.Config.InputShape != Model.Config.InputShape
            || Original.Config.Family != Model.Config.Family
            || (Model.ClassNames is { } names && Original.ClassNames is { } others && !names.SequenceEqual(others)))
        {
            throw BitisException.InFile(
                Original.Reference, $"the baseline has other classes or images than {Model.Reference}.");
        }
    }

    /// <summary>The name of a class.</summary>
    public string NameOf(int index) => Model.ClassNames?[index] ?? $"class {index}";
}

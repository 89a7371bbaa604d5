namespace Bitis;

/// <summary>What an ONNX file should be like.</summary>
public sealed record OnnxOptions
{
    /// <summary>The first and last version of the standard operators that a file can have.</summary>
    internal const int FirstOpset = 17, LastOpset = 21;

    /// <summary>The version that has <c>LinearAttention</c> as a standard operator. Few runtimes read it.</summary>
    internal const int AttentionOpset = 27;

    /// <summary>The options that most runtimes read.</summary>
    internal static OnnxOptions Default { get; } = new();

    /// <summary>The version of the standard operators, 17 to 21. Older runtimes read lower ones only.</summary>
    /// <remarks>
    /// 27 is an experiment, for <see cref="UsesLinearAttention"/> only: ONNX Runtime 1.31 refuses the file unless the
    /// environment variable <c>ALLOW_RELEASED_ONNX_OPSET_ONLY</c> is 0.
    /// </remarks>
    public int Opset { get; init; } = FirstOpset;

    /// <summary>Whether scans are <c>com.microsoft.LinearAttention</c> instead of loops.</summary>
    /// <remarks>
    /// ONNX Runtime has fast kernels for it on GPUs and in browsers with WebGPU; on CPUs it is slower than a loop.
    /// Other runtimes do not know it.
    /// </remarks>
    public bool UsesLinearAttention { get; init; }

    /// <summary>Whether the model takes bytes and normalizes them itself.</summary>
    /// <remarks>
    /// The input is <c>[batch, size, size, channels]</c>. The image must have the model's size: the resize is not part
    /// of the file, since runtimes resize differently.
    /// </remarks>
    public bool TakesBytes { get; init; }

    /// <summary>Checks the values.</summary>
    /// <exception cref="BitisException">A value is out of its range.</exception>
    internal void Validate()
    {
        if (Opset == AttentionOpset && !UsesLinearAttention)
        {
            throw new BitisException(
                $"Opset {AttentionOpset} is for scans as linear attention only, which it has as an operator; "
                + $"expected {FirstOpset} to {LastOpset}.");
        }
        if (Opset is (< FirstOpset or > LastOpset) and not AttentionOpset)
        {
            throw new BitisException(
                $"There is no export to opset {Opset}; expected {FirstOpset} to {LastOpset}.");
        }
    }
}

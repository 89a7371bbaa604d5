using Bitis.KernelHarness;
using Bitis.Kernels.Dispatch;

namespace Bitis.Benchmarks.Microbenchmarks;

/// <summary>A form of a kernel, on the operands of a case.</summary>
/// <remarks>Public, because BenchmarkDotNet wants to see it.</remarks>
public sealed class KernelForm
{
    private readonly KernelCase _data;
    private readonly Kernel _kernel;

    internal KernelForm(KernelCase data, Kernel kernel) => (_data, _kernel) = (data, kernel);

    /// <summary>The form's name, and the variant of the operation.</summary>
    public string Name => _data.Variant.Length == 0 ? _kernel.Name : $"{_kernel.Name}, {_data.Variant}";

    /// <summary>The size of the operands.</summary>
    public string Size => _data.Size;

    /// <summary>Computes once.</summary>
    public void Run() => _data.Run(_kernel);

    /// <summary>Computes once, and frees the operands.</summary>
    public void Free() => _data.Dispose();

    /// <summary>A rate in words: multiply-adds a second of products, else nanoseconds a value.</summary>
    /// <param name="nanoseconds">What one run takes.</param>
    public string Rate(double nanoseconds) => _data.IsProduct
        ? FormattableString.Invariant($"{_data.Work / nanoseconds:F0} GMAC/s")
        : FormattableString.Invariant($"{nanoseconds / _data.Work:F3} ns a value");

    /// <inheritdoc />
    public override string ToString() => $"{Name}, {Size}";
}

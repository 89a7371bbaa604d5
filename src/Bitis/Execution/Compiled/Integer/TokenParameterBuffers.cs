using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;
using Bitis.Quantization.Quantizers;
using Bitis.Quantization.Recipes;

namespace Bitis.Execution.Compiled.Integer;

/// <summary>A quantizer's scales and zero points in native memory, where kernels can read them.</summary>
/// <remarks>Their order is that of the tokens in memory.</remarks>
internal sealed class TokenParameterBuffers : IDisposable
{
    private readonly NativeBuffer<float> _scales;
    private readonly NativeBuffer<float> _inverseScales;
    private readonly NativeBuffer<int> _zeroPoints;

    /// <summary>Copies the parameters.</summary>
    /// <param name="quantizer">The quantizer; it counts tokens in the order of the operator's input.</param>
    /// <param name="isReversed">Whether memory holds the tokens in the opposite order.</param>
    public TokenParameterBuffers(UniformQuantizer quantizer, bool isReversed)
    {
        Stride = quantizer.Granularity == Granularity.PerToken ? 1 : 0;
        _scales = InMemoryOrder(quantizer.Scales, isReversed);
        _inverseScales = InMemoryOrder(quantizer.InverseScales, isReversed);
        _zeroPoints = InMemoryOrder(quantizer.ZeroPoints, isReversed);
    }

    /// <summary>1 for parameters per token, 0 for one set of them.</summary>
    public int Stride { get; }

    /// <summary>The reciprocals of the scales.</summary>
    public unsafe float* InverseScales => _inverseScales.Pointer;

    /// <summary>The zero points.</summary>
    public unsafe int* ZeroPoints => _zeroPoints.Pointer;

    /// <summary>The parameters as the matrix product takes them.</summary>
    public unsafe TokenParameters Parameters => new(_scales.Pointer, _zeroPoints.Pointer, Stride);

    /// <inheritdoc />
    public void Dispose()
    {
        _scales.Dispose();
        _inverseScales.Dispose();
        _zeroPoints.Dispose();
    }

    private static NativeBuffer<T> InMemoryOrder<T>(ReadOnlySpan<T> values, bool isReversed)
        where T : unmanaged
    {
        NativeBuffer<T> buffer = NativeBuffer<T>.Of(values);
        if (isReversed)
            buffer.Span.Reverse();
        return buffer;
    }
}

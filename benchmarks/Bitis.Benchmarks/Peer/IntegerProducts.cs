using System.Runtime.InteropServices;
using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Kernels.Rounding;

namespace Bitis.Benchmarks.Peer;

/// <summary>Products of 8-bit integers: u8 × s8, rescaled to float32.</summary>
internal sealed unsafe class IntegerProducts : Products
{
    private readonly PackedIntegerWeights[] _layers;
    private readonly NativeBuffer<byte> _a;
    private readonly NativeBuffer<float> _c;
    private readonly NativeBuffer<float> _scales;
    private readonly NativeBuffer<int> _zeros;
    private readonly int _k, _n;

    public IntegerProducts(int m, int k, int n, int count)
        : base(m, count)
    {
        (_k, _n) = (k, n);
        var random = new Random(1);
        _a = new NativeBuffer<byte>(m * k);
        random.NextBytes(_a.Span);
        _c = new NativeBuffer<float>(m * n);
        _scales = new NativeBuffer<float>(m);
        _scales.Span.Fill(0.01f);
        _zeros = new NativeBuffer<int>(m);
        _zeros.Span.Fill(128);
        float[] scales = new float[n];
        Array.Fill(scales, 0.01f);
        byte[] levels = new byte[n * k];
        _layers = new PackedIntegerWeights[count];
        for (int i = 0; i < count; i++)
        {
            random.NextBytes(levels);
            _layers[i] = new PackedIntegerWeights(
                MemoryMarshal.Cast<byte, sbyte>(levels), scales, [], n, k);
        }
    }

    public override void Dispose()
    {
        Array.ForEach(_layers, layer => layer.Dispose());
        _a.Dispose();
        _c.Dispose();
        _scales.Dispose();
        _zeros.Dispose();
    }

    protected override void RunUnits(int layer, int start, int end)
    {
        var grids = new TokenParameters(_scales.Pointer, _zeros.Pointer, stride: 1);
        Int8Gemm.Run(_layers[layer], _a.Pointer, _k, in grids, _c.Pointer, _n, start, end, accumulate: false);
    }
}

using Bitis.Kernels.Gemm;
using Bitis.Kernels.Memory;
using Bitis.Tensors;

namespace Bitis.Benchmarks.Peer;

/// <summary>Products of float32.</summary>
internal sealed unsafe class FloatProducts : Products
{
    private readonly PackedFloatWeights[] _layers;
    private readonly NativeBuffer<float> _a, _c;
    private readonly int _m, _k, _n;

    public FloatProducts(int m, int k, int n, int count)
        : base(ByPanels(n) ? Panels(n) : m, count)
    {
        (_m, _k, _n) = (m, k, n);
        var random = new SeededRandom(1);
        _a = new NativeBuffer<float>(m * k);
        foreach (ref float value in _a.Span)
            value = (float)random.NextNormal();
        _c = new NativeBuffer<float>(m * n);
        float[] weights = new float[n * k];
        _layers = new PackedFloatWeights[count];
        for (int i = 0; i < count; i++)
        {
            foreach (ref float value in weights.AsSpan())
                value = random.NextSingle(-1, 1);
            _layers[i] = new PackedFloatWeights(weights, [], n, k);
        }
    }

    public override void Dispose()
    {
        Array.ForEach(_layers, layer => layer.Dispose());
        _a.Dispose();
        _c.Dispose();
    }

    protected override void RunUnits(int layer, int start, int end)
    {
        if (ByPanels(_n))
            FloatGemm.RunPanels(_layers[layer], _a.Pointer, _k, _c.Pointer, _n, _m, start, end);
        else
            FloatGemm.Run(_layers[layer], _a.Pointer, _k, _c.Pointer, _n, start, end, accumulate: false);
    }

    private static bool ByPanels(int n) => Panels(n) > 4;

    private static int Panels(int n) => (n + FloatGemm.Table.Best.Columns - 1) / FloatGemm.Table.Best.Columns;
}

using Bitis.KernelHarness.Operands;
using Bitis.Kernels.Dispatch;

namespace Bitis.KernelHarness;

/// <summary>One operation with operands of one shape. All forms of the operation run on the same operands.</summary>
/// <remarks>Tests compare the results of the forms, and benchmarks measure their time.</remarks>
internal abstract record KernelCase : IDisposable
{
    private readonly List<IDisposable> _buffers;
    private readonly List<KernelResult> _results;

    private protected KernelCase() => (_buffers, _results) = ([], []);

    /// <summary>A copy makes operands of its own.</summary>
    protected KernelCase(KernelCase original)
    {
        (_buffers, _results) = ([], []);
        HasExtremes = original.HasExtremes;
    }

    /// <summary>Whether NaN, infinities and the largest numbers are among the operands.</summary>
    public bool HasExtremes { get; init; }

    /// <summary>All forms of the operation, best first.</summary>
    internal abstract IReadOnlyList<Kernel> Rows { get; }

    /// <summary>The forms that this machine can run, best first.</summary>
    internal IEnumerable<Kernel> Forms => Rows.Where(row => row.IsSupported);

    /// <summary>The operation's name, and the variant if it has several: <c>f32-gemm transposed</c>.</summary>
    internal string Title => Variant.Length == 0 ? Rows[0].Operation : $"{Rows[0].Operation} {Variant}";

    /// <summary>The size of the operands, for tables.</summary>
    internal abstract string Size { get; }

    /// <summary>How many values one run computes: multiply-adds of a product, updates of a scan's states.</summary>
    internal abstract double Work { get; }

    /// <summary>Whether the work is counted in multiply-adds.</summary>
    internal virtual bool IsProduct => false;

    /// <summary>Whether all forms give the same bits. If not, they add up in different orders.</summary>
    internal virtual bool IsBitExact => true;

    /// <summary>Whether <see cref="Expected"/> is right for operands with extremes, too.</summary>
    internal virtual bool ExpectsExtremes => false;

    /// <summary>What distinguishes this case from others of the operation; empty for the usual one.</summary>
    internal virtual string Variant => "";

    /// <summary>Runs a form on the operands.</summary>
    internal abstract void Run(Kernel form);

    /// <summary>Resets the outputs, runs a form, and copies the outputs.</summary>
    internal Array[] ResultsOf(Kernel form)
    {
        Prepare();
        foreach (KernelResult result in _results)
            result.Reset();
        Run(form);
        return [.. _results.Select(result => result.Copy())];
    }

    /// <summary>What each output holds after a run, by a definition that is independent of the forms.</summary>
    internal abstract IReadOnlyList<Expectation> Expected();

    public void Dispose()
    {
        foreach (IDisposable buffer in _buffers)
            buffer.Dispose();
        _buffers.Clear();
        _results.Clear();
        Forget();
    }

    /// <summary>Makes the operands, if there are none yet.</summary>
    private protected abstract void Prepare();

    /// <summary>Forgets the operands, which are gone.</summary>
    private protected abstract void Forget();

    /// <summary>An operand that is only read.</summary>
    private protected GuardedBuffer<T> Input<T>(ReadOnlySpan<T> values)
        where T : unmanaged => Own(new GuardedBuffer<T>(values));

    /// <summary>Working memory.</summary>
    private protected GuardedBuffer<T> Scratch<T>(int length)
        where T : unmanaged => Own(new GuardedBuffer<T>(length));

    /// <summary>An operand that is written, with what it holds before each run.</summary>
    private protected GuardedBuffer<T> Output<T>(T[] before)
        where T : unmanaged
    {
        GuardedBuffer<T> buffer = Scratch<T>(before.Length);
        before.CopyTo(buffer.Span);
        _results.Add(new KernelResult(() => before.CopyTo(buffer.Span), () => buffer.Span.ToArray()));
        return buffer;
    }

    /// <summary>An operand that is written, and holds zeros before each run.</summary>
    private protected GuardedBuffer<T> Output<T>(int length)
        where T : unmanaged => Output(new T[length]);

    /// <summary>Disposes something together with the operands.</summary>
    private protected T Own<T>(T owned)
        where T : IDisposable
    {
        _buffers.Add(owned);
        return owned;
    }

    /// <summary>Puts extremes among the values, if the case has them.</summary>
    private protected float[] Spoiled(float[] values) => HasExtremes ? Sample.Spoiled(values) : values;

    /// <summary>Like <see cref="Spoiled"/>, without values whose sums overflow in some orders only.</summary>
    private protected float[] SpoiledForSums(float[] values) => HasExtremes
        ? [.. Sample.Spoiled(values).Select(value => Math.Abs(value) == float.MaxValue ? value / 1e8f : value)]
        : values;
}

namespace Bitis.Runtime.Kernels;

/// <summary>
/// 2^x for the decay of the selective scan, exactly 1 for x = 0; below −126 it stays at 2^−126. Larger values than 127 are not
/// allowed: the decay of a stable system never exceeds 1.
/// </summary>
/// <remarks>
/// The coefficients come from memory and stay in registers for as long as the value lives. Written as literals in an inner
/// loop, the JIT reads each of them from memory at each use, and the loop waits for its loads.
/// </remarks>
internal interface IExp2Polynomial<TSelf, TLanes>
    where TSelf : struct, IExp2Polynomial<TSelf, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    /// <summary>Loads the coefficients: once, before a loop.</summary>
    static abstract TSelf Load();

    /// <summary>2^x.</summary>
    TLanes Of(TLanes x);

    /// <summary>
    /// 2^x of four registers. Their chains of dependent operations advance side by side: one after the other, the waiting
    /// operations of one would fill the processor's scheduler and keep those of the next from starting.
    /// </summary>
    void Of(ref TLanes x0, ref TLanes x1, ref TLanes x2, ref TLanes x3);
}

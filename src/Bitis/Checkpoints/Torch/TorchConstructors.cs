using Bitis.Checkpoints.Torch.Pickle;

namespace Bitis.Checkpoints.Torch;

/// <summary>The constructors for PyTorch's functions that rebuild tensors.</summary>
internal static class TorchConstructors
{
    /// <summary>Adds the constructors to a table of names.</summary>
    public static void AddTo(Dictionary<string, PickleConstructor> table)
    {
        table["torch._utils._rebuild_tensor"] = RebuildTensor;
        table["torch._utils._rebuild_tensor_v2"] = RebuildTensor;
        table["torch._utils._rebuild_tensor_v3"] = RebuildTypedTensor;
        table["torch._utils._rebuild_parameter"] = TheTensorItself;
        table["torch._utils._rebuild_parameter_with_state"] = TheTensorItself;
        table["torch.nn.parameter.Parameter"] = TheTensorItself;
        table["torch.nn.parameter.Buffer"] = TheTensorItself;
        table["torch._tensor._rebuild_from_type"] = RebuildSubclass;
        table["torch._tensor._rebuild_from_type_v2"] = RebuildSubclass;
        table["torch.Size"] = (arguments, _) => arguments is [object?[] sizes] ? sizes : arguments;
        table["torch.device"] = (arguments, _) => arguments is [string name, ..] ? name : null;
    }

    /// <summary>A tensor from (storage, offset, sizes, strides, ...), all in elements.</summary>
    private static object RebuildTensor(object?[] arguments, PickleBudget budget) =>
        arguments is [TorchStorage storage, long offset, object?[] sizes, object?[] strides, ..]
            ? new TorchTensor(storage, storage.Type.DType, offset, sizes, strides)
            : PickleClass.NotPlain;

    /// <summary>
    /// A tensor of an untyped storage from (storage, offset, sizes, strides, requires_grad, hooks, dtype, ...).
    /// </summary>
    private static object RebuildTypedTensor(object?[] arguments, PickleBudget budget) =>
        arguments is [TorchStorage storage, long offset, object?[] sizes, object?[] strides, _, _, DType type, ..]
            ? new TorchTensor(storage, type, offset, sizes, strides)
            : PickleClass.NotPlain;

    private static object TheTensorItself(object?[] arguments, PickleBudget budget) =>
        arguments is [TorchTensor tensor, ..] ? tensor : PickleClass.NotPlain;

    /// <summary>A tensor of a custom class from (function, class, its arguments, state).</summary>
    private static object RebuildSubclass(object?[] arguments, PickleBudget budget) => arguments switch
    {
        [PickleClass { Name: "torch._utils._rebuild_tensor_v2" }, _, object?[] inner, ..] =>
            RebuildTensor(inner, budget),
        [PickleClass { Name: "torch._utils._rebuild_tensor_v3" }, _, object?[] inner, ..] =>
            RebuildTypedTensor(inner, budget),
        [PickleClass { Name: "torch._utils._rebuild_parameter" }, _, object?[] inner, ..] =>
            TheTensorItself(inner, budget),
        _ => PickleClass.NotPlain,
    };
}
